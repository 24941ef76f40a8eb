// The network of crnn.fast.onnx in WebAssembly SIMD: two convolutions, bidirectional LSTMs, one matrix product.
//
// There is no library and no import. Every size comes from model.bin, whose layout pack.py describes. Values are
// rounded to integers where and how ONNX Runtime's kernels do it, so that the logits agree with it.
#include <stdint.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define VECTOR(array) wasm_v128_load(array)  // 4 floats or int32, 8 int16, 16 bytes

typedef v128_t vec;
typedef int8_t i8;
typedef uint8_t u8;
typedef int16_t i16;
typedef int32_t i32;
typedef uint32_t u32;
typedef float f32;

// ------------------------------------------------------------------------------------------------------- memory

// Arrays lie one after another from __heap_base on; to release some, set `top` back.
extern u8 __heap_base;
static u32 top;

static void *claim(u32 bytes) {
  u32 start = (top + 15) & ~15u, have = (u32)__builtin_wasm_memory_size(0) << 16;
  top = start + bytes;
  if (top > have && (i32)__builtin_wasm_memory_grow(0, (top - have + 0xffff) >> 16) < 0) __builtin_trap();
  return (void *)start;
}

typedef struct { u32 format, mels, channels1, channels2, layers, units, classes, unused; } Sizes;

static const Sizes *model;
static u32 model_end;
static const u8 *unread;  // the next array of the model

// Returns the model's next array; each starts at a multiple of 16 bytes.
static const void *next(u32 bytes) {
  const u8 *array = unread;
  unread += (bytes + 15) & ~15u;
  return array;
}

// Returns the room for model.bin, which the caller fills.
EXPORT(place) void *place(u32 bytes) {
  top = (u32)&__heap_base;
  model = claim(bytes);
  model_end = top;
  return (void *)model;
}

// Returns the room for features (frames, mels), which the caller fills. Everything but the model is released.
EXPORT(input) f32 *input(u32 frames) {
  top = model_end;
  return claim(frames * model->mels * 4);
}

// ------------------------------------------------------------------------------------------------ integer products

// Returns the sums of a, b, c and d, four int32 each, as one vector.
static inline vec sums(vec a, vec b, vec c, vec d) {
  vec ab = wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 1, 4, 5), wasm_i32x4_shuffle(a, b, 2, 3, 6, 7));
  vec cd = wasm_i32x4_add(wasm_i32x4_shuffle(c, d, 0, 1, 4, 5), wasm_i32x4_shuffle(c, d, 2, 3, 6, 7));
  return wasm_i32x4_add(wasm_i32x4_shuffle(ab, cd, 0, 2, 4, 6), wasm_i32x4_shuffle(ab, cd, 1, 3, 5, 7));
}

// out[r][c..c+3] = a[r] . b[c..c+3] for `rows` rows, each of length k. With `rows` a constant, the compiler unrolls the
// loops, and the sums stay in registers.
static inline __attribute__((always_inline)) void block(
    const i16 *a, const i8 *b, i32 *out, u32 columns, u32 k, const u32 rows) {
  vec sum[2][4] = {{wasm_i32x4_const_splat(0)}};
  for (u32 i = 0; i < k; i += 8)
    for (u32 c = 0; c < 4; c++) {
      vec weights = wasm_i16x8_load8x8(b + c * k + i);
      for (u32 r = 0; r < rows; r++)
        sum[r][c] = wasm_i32x4_add(sum[r][c], wasm_i32x4_dot_i16x8(VECTOR(a + r * k + i), weights));
    }
  for (u32 r = 0; r < rows; r++)
    wasm_v128_store(out + r * columns, sums(sum[r][0], sum[r][1], sum[r][2], sum[r][3]));
}

// out (rows, columns) = a (rows, k) times the transpose of b (columns, k); columns by fours, k by eights.
static void product(const i16 *a, const i8 *b, i32 *out, u32 rows, u32 columns, u32 k) {
  u32 r = 0;
  for (; r + 2 <= rows; r += 2)
    for (u32 c = 0; c < columns; c += 4) block(a + r * k, b + c * k, out + r * columns + c, columns, k, 2);
  if (r < rows)
    for (u32 c = 0; c < columns; c += 4) block(a + r * k, b + c * k, out + r * columns + c, columns, k, 1);
}

// Quantises n floats (by eights) to 256 steps between their extremes, as DynamicQuantizeLinear does, and subtracts the
// zero point. Returns the step.
static f32 quantize(const f32 *x, i16 *steps, u32 n) {
  vec low4 = wasm_f32x4_const_splat(0), high4 = low4;
  for (u32 i = 0; i < n; i += 4) {
    low4 = wasm_f32x4_pmin(low4, VECTOR(x + i));
    high4 = wasm_f32x4_pmax(high4, VECTOR(x + i));
  }
  f32 lows[4], highs[4], low = 0, high = 0;
  wasm_v128_store(lows, low4);
  wasm_v128_store(highs, high4);
  for (u32 i = 0; i < 4; i++) {
    if (lows[i] < low) low = lows[i];
    if (highs[i] > high) high = highs[i];
  }
  f32 step = high == low ? 1 : (high - low) / 255, zero = __builtin_rintf(-low / step);
  vec least = wasm_f32x4_splat(-zero), most = wasm_f32x4_splat(255 - zero);
  for (u32 i = 0; i < n; i += 8) {
    vec half[2];
    for (u32 h = 0; h < 2; h++) {
      vec rounded = wasm_f32x4_nearest(wasm_f32x4_div(VECTOR(x + i + 4 * h), wasm_f32x4_splat(step)));
      half[h] = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_min(wasm_f32x4_max(rounded, least), most));
    }
    wasm_v128_store(steps + i, wasm_i16x8_narrow_i32x4(half[0], half[1]));
  }
  return step;
}

// ------------------------------------------------------------------------------------------------------ functions

static inline vec splat(f32 x) { return wasm_f32x4_splat(x); }
static inline vec add(vec a, vec b) { return wasm_f32x4_add(a, b); }
static inline vec mul(vec a, vec b) { return wasm_f32x4_mul(a, b); }

// e to the x, with a relative error of 2e-7: 2^n times Cephes' polynomial for the rest.
static inline vec exponential(vec x) {
  static const f32 terms[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                              4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
  x = wasm_f32x4_min(wasm_f32x4_max(x, splat(-87)), splat(87));
  vec n = wasm_f32x4_nearest(mul(x, splat(1.44269504f)));
  vec rest = add(add(x, mul(n, splat(-0.693359375f))), mul(n, splat(2.12194440e-4f)));  // x - n ln 2, in two parts
  vec sum = splat(terms[0]);
  for (u32 i = 1; i < 6; i++) sum = add(mul(sum, rest), splat(terms[i]));
  sum = add(add(mul(mul(sum, rest), rest), rest), splat(1));
  vec power = wasm_i32x4_shl(wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_const_splat(127)), 23);
  return mul(sum, power);
}

static inline vec sigmoid(vec x) { return wasm_f32x4_div(splat(1), add(splat(1), exponential(wasm_f32x4_neg(x)))); }
static inline vec hyperbolic_tangent(vec x) { return add(mul(splat(2), sigmoid(mul(splat(2), x))), splat(-1)); }

// --------------------------------------------------------------------------------------------------------- layers

// 3x3 convolution of one channel, maximum of each 2x2, bias; out (frames / 2, mels / 2, channels1) in steps of a byte,
// which cut off what is negative, as the ReLU does.
static void first_convolution(const f32 *x, u8 *out, u32 frames) {
  u32 mels = model->mels, channels = model->channels1, width = mels + 2;
  const f32 *kernel = next(9 * channels * 4);  // (3, 3, channels)
  const f32 *bias = next(channels * 4), *step = next(4);
  f32 *padded = claim((frames + 2) * width * 4);  // a zero all around
  __builtin_memset(padded, 0, (frames + 2) * width * 4);
  for (u32 t = 0; t < frames; t++) __builtin_memcpy(padded + (t + 1) * width + 1, x + t * mels, mels * 4);
  for (u32 t = 0; t < frames / 2; t++)
    for (u32 m = 0; m < mels / 2; m++)
      for (u32 c = 0; c < channels; c += 4) {
        vec best = splat(-__builtin_inff());
        for (u32 corner = 0; corner < 4; corner++) {
          const f32 *patch = padded + (2 * t + corner / 2) * width + 2 * m + corner % 2;
          vec sum = splat(0);
          for (u32 i = 0; i < 9; i++)
            sum = add(sum, mul(splat(patch[i / 3 * width + i % 3]), VECTOR(kernel + i * channels + c)));
          best = wasm_f32x4_max(best, sum);
        }
        best = wasm_f32x4_nearest(wasm_f32x4_div(add(best, VECTOR(bias + c)), splat(*step)));
        vec rounded = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_min(wasm_f32x4_max(best, splat(0)), splat(255)));
        rounded = wasm_i16x8_narrow_i32x4(rounded, rounded);
        rounded = wasm_u8x16_narrow_i16x8(rounded, rounded);
        wasm_v128_store32_lane(out + (t * (mels / 2) + m) * channels + c, rounded, 0);
      }
}

// Copies the 3x3 patch (3, 3, channels) around a point of x (rows, width, channels); 0 stands beyond the edges.
static void copy_patch(const u8 *x, i16 *patch, i32 row, i32 column, i32 rows, i32 width, u32 channels) {
  for (i32 r = row - 1; r <= row + 1; r++)
    for (i32 c = column - 1; c <= column + 1; c++, patch += channels)
      if (r < 0 || r >= rows || c < 0 || c >= width)
        __builtin_memset(patch, 0, channels * 2);
      else
        for (u32 i = 0; i < channels; i += 8)
          wasm_v128_store(patch + i, wasm_u16x8_load8x8(x + (r * width + c) * channels + i));
}

// 3x3 convolution of bytes (rows, mels / 2, channels1), rounded to steps of a byte, maximum of each 2x2; out floats
// (rows / 2, mels / 4, channels2).
static void second_convolution(const u8 *x, f32 *out, u32 rows) {
  u32 width = model->mels / 2, channels = model->channels2, k = 9 * model->channels1;
  const i8 *kernel = next(channels * k);  // (channels, 3, 3, channels1)
  const i32 *bias = next(channels * 4);
  const f32 *factor = next(channels * 4), *step = next(4);
  i16 *patches = claim(2 * width * k * 2);
  i32 *found = claim(2 * width * channels * 4);  // (2, width, channels)
  for (u32 t = 0; t < rows / 2; t++) {
    for (u32 i = 0; i < 2 * width; i++)
      copy_patch(x, patches + i * k, 2 * t + i / width, i % width, rows, width, model->channels1);
    product(patches, kernel, found, 2 * width, channels, k);
    for (u32 m = 0; m < width / 2; m++)
      for (u32 c = 0; c < channels; c += 4) {
        vec best = splat(0);
        for (u32 corner = 0; corner < 4; corner++) {
          const i32 *at = found + ((corner / 2) * width + 2 * m + corner % 2) * channels + c;
          vec sum = wasm_f32x4_convert_i32x4(wasm_i32x4_add(VECTOR(at), VECTOR(bias + c)));
          best = wasm_f32x4_max(best, wasm_f32x4_nearest(mul(sum, VECTOR(factor + c))));
        }
        wasm_v128_store(out + (t * (width / 2) + m) * channels + c, mul(wasm_f32x4_min(best, splat(255)), splat(*step)));
      }
  }
}

// out = plus + steps * (step * scales), n values; `out` may be the place of `steps` or `plus`.
static inline void dequantize(const i32 *steps, f32 step, const f32 *scales, const f32 *plus, f32 *out, u32 n) {
  for (u32 i = 0; i < n; i += 4) {
    vec value = mul(wasm_f32x4_convert_i32x4(VECTOR(steps + i)), mul(splat(step), VECTOR(scales + i)));
    wasm_v128_store(out + i, add(value, VECTOR(plus + i)));
  }
}

// Bidirectional LSTM, then scale and shift: (frames, size) to (frames, 2 * units).
static void lstm(const f32 *x, f32 *out, u32 frames, u32 size) {
  u32 units = model->units, gates = 4 * units;  // i, o, f, c
  const i8 *kernels = next(2 * gates * size), *recurrents = next(2 * gates * units);
  const f32 *biases = next(2 * gates * 4), *kernel_scales = next(2 * gates * 4);
  const f32 *recurrent_scales = next(2 * gates * 4), *scale = next(2 * units * 4), *shift = next(2 * units * 4);
  i16 *x_steps = claim(frames * size * 2), *hidden_steps = claim(units * 2);
  i32 *products = claim(frames * gates * 4), *recurrent_products = claim(gates * 4);
  f32 *all_gates = (f32 *)products;  // each frame's floats replace its integers
  f32 *hidden = claim(units * 4), *cell = claim(units * 4);
  f32 x_step = quantize(x, x_steps, frames * size);
  for (u32 backward = 0; backward < 2; backward++) {
    const f32 *recurrent_scale = recurrent_scales + backward * gates;
    const i8 *recurrent = recurrents + backward * gates * units;
    u32 column = backward * units;
    product(x_steps, kernels + backward * gates * size, products, frames, gates, size);
    __builtin_memset(hidden, 0, units * 4);
    __builtin_memset(cell, 0, units * 4);
    for (u32 n = 0; n < frames; n++) {
      u32 t = backward ? frames - 1 - n : n;
      f32 *gate = all_gates + t * gates, hidden_step = quantize(hidden, hidden_steps, units);
      dequantize(products + t * gates, x_step, kernel_scales + column * 4, biases + column * 4, gate, gates);
      product(hidden_steps, recurrent, recurrent_products, 1, gates, units);
      dequantize(recurrent_products, hidden_step, recurrent_scale, gate, gate, gates);
      for (u32 u = 0; u < units; u += 4) {
        vec in = sigmoid(VECTOR(gate + u)), output = sigmoid(VECTOR(gate + units + u));
        vec forget = sigmoid(VECTOR(gate + 2 * units + u)), new = hyperbolic_tangent(VECTOR(gate + 3 * units + u));
        vec kept = add(mul(forget, VECTOR(cell + u)), mul(in, new));
        vec said = mul(output, hyperbolic_tangent(kept));
        wasm_v128_store(cell + u, kept);
        wasm_v128_store(hidden + u, said);
        said = add(mul(said, VECTOR(scale + column + u)), VECTOR(shift + column + u));
        wasm_v128_store(out + t * 2 * units + column + u, said);
      }
    }
  }
}

// Dense layer in floats: (frames, size) to (frames, classes).
static void dense(const f32 *x, f32 *out, u32 frames, u32 size) {
  const f32 *kernel = next(model->classes * size * 4), *bias = next(model->classes * 4);  // kernel (classes, size)
  for (u32 t = 0; t < frames; t++)
    for (u32 c = 0; c < model->classes; c++) {
      vec sum = splat(0);
      for (u32 i = 0; i < size; i += 4) sum = add(sum, mul(VECTOR(x + t * size + i), VECTOR(kernel + c * size + i)));
      out[t * model->classes + c] = wasm_f32x4_extract_lane(sum, 0) + wasm_f32x4_extract_lane(sum, 1) +
                                    wasm_f32x4_extract_lane(sum, 2) + wasm_f32x4_extract_lane(sum, 3) + bias[c];
    }
}

// Returns the logits (frames / 4, classes) of features (frames, mels).
EXPORT(run) f32 *run(const f32 *features, u32 frames) {
  u32 rows = frames / 2, n = rows / 2, size = model->mels / 4 * model->channels2, width = 2 * model->units;
  f32 *logits = claim(n * model->classes * 4);
  f32 *a = claim(n * (size > width ? size : width) * 4), *b = claim(n * width * 4);
  u8 *bytes = claim(rows * (model->mels / 2) * model->channels1);
  u32 kept = top;
  unread = (const u8 *)(model + 1);
  first_convolution(features, bytes, frames);
  top = kept;
  second_convolution(bytes, a, rows);
  top = (u32)bytes;  // the LSTMs no longer need it
  for (u32 layer = 0; layer < model->layers; layer++, size = width) {
    u32 here = top;
    lstm(a, b, n, size);
    top = here;
    f32 *swap = a;
    a = b;
    b = swap;
  }
  dense(a, logits, n, width);
  return logits;
}
