"""A bidirectional LSTM that trains faster on a CPU, with the weights and outputs of Keras's own layer.

Keras multiplies the input by its kernel inside the loop over time, and TensorFlow differentiates through the loop's
arrays. Here the input product is one large matrix product before the loop, and the backward pass is written by hand.
The two directions are independent loops, which TensorFlow runs in parallel. Each multiplies plain matrices: one batched
product for both directions would take twice as long.

Under Keras's policy "mixed_bfloat16" the matrix products, nearly all of the arithmetic, multiply in bfloat16 and sum in
float32; weights, states and gates stay float32. A CPU with bfloat16 instructions takes two thirds of the time.
"""

from pathlib import Path

import keras
import tensorflow as tf


def has_bfloat16() -> bool:
    """Return whether this CPU multiplies bfloat16 matrices in hardware; False where Linux's cpuinfo is missing."""
    flags = Path("/proc/cpuinfo")
    return flags.exists() and bool({"avx512_bf16", "amx_bf16"} & set(flags.read_text().split()))


def _dot(a, b, **transposed):
    """Return the float32 product of two matrices, multiplied in the type of `b`."""
    return tf.cast(tf.matmul(tf.cast(a, b.dtype), b, **transposed), tf.float32)


def _steps(array):
    """Return `array` (time, batch, values) as a TensorArray that a loop reads step by step."""
    return tf.TensorArray(
        array.dtype, tf.shape(array)[0], element_shape=[None, array.shape[2]], clear_after_read=False
    ).unstack(array)


@tf.custom_gradient
def _scan(inputs, recurrent):
    """Run an LSTM from a zero state.

    Args:
        inputs: (time, batch, 4 * units), already multiplied by the kernel.
        recurrent: (units, 4 * units), gates in Keras's order: input, forget, candidate, output. Its type is that of
            the products; everything else is float32.

    Returns:
        Hidden states, (time, batch, units).
    """
    units = recurrent.shape[0]
    time, batch = tf.shape(inputs)[0], tf.shape(inputs)[1]
    zero = tf.zeros([batch, units], inputs.dtype)

    def empty(values):
        return tf.TensorArray(inputs.dtype, time, element_shape=[None, values])

    read = _steps(inputs)

    def forward(t, h, c, hidden, cells, gates):
        i, f, g, o = tf.split(read.read(t) + _dot(h, recurrent), 4, axis=-1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * c + i * g
        h = o * tf.tanh(c)
        gates = gates.write(t, tf.concat([i, f, g, o], -1))
        return t + 1, h, c, hidden.write(t, h), cells.write(t, c), gates

    start = (0, zero, zero, empty(units), empty(units), empty(4 * units))
    _, _, _, hidden, cells, gates = tf.while_loop(lambda t, *_: t < time, forward, start, parallel_iterations=1)
    hidden, cells, gates = hidden.stack(), cells.stack(), gates.stack()

    def gradient(d_hidden):
        upstream, read_gates = _steps(d_hidden), _steps(gates)
        read_cells = _steps(tf.concat([zero[None], cells], 0))  # read at t: the cell before step t
        transposed = tf.transpose(recurrent)

        def backward(t, dh, dc, d_inputs):
            i, f, g, o = tf.split(read_gates.read(t), 4, axis=-1)
            tanh_c = tf.tanh(read_cells.read(t + 1))
            dh = dh + upstream.read(t)
            dc = dc + dh * o * (1 - tanh_c * tanh_c)
            d_gates = [
                dc * g * i * (1 - i),
                dc * read_cells.read(t) * f * (1 - f),
                dc * i * (1 - g * g),
                dh * tanh_c * o * (1 - o),
            ]
            d = tf.concat(d_gates, -1)
            return t - 1, _dot(d, transposed), dc * f, d_inputs.write(t, d)

        start = (time - 1, zero, zero, empty(4 * units))
        d_inputs = tf.while_loop(lambda t, *_: t >= 0, backward, start, parallel_iterations=1)[-1].stack()
        before = tf.concat([zero[None], hidden[:-1]], 0)
        flat_inputs = tf.cast(tf.reshape(d_inputs, [-1, 4 * units]), recurrent.dtype)
        d_recurrent = _dot(tf.reshape(before, [-1, units]), flat_inputs, transpose_a=True)
        return d_inputs, tf.cast(d_recurrent, recurrent.dtype)

    return hidden, gradient


@keras.saving.register_keras_serializable("asr_helpers")
class FastBidirectional(keras.layers.Bidirectional):
    """`keras.layers.Bidirectional(LSTM(units, return_sequences=True))`: same weights, config, outputs and gradients.

    A mask may only mark padding at the end: the backward direction starts at each utterance's own last frame, and
    outputs on padding are zero, as in Keras. Outputs are float32 under every policy.
    """

    def call(self, sequences, initial_state=None, mask=None, training=None):
        if initial_state is not None:
            raise ValueError("FastBidirectional starts from a zero state")
        # Time first: a step is then one contiguous block.
        x = tf.transpose(tf.cast(sequences, tf.float32), (1, 0, 2))  # (time, batch, values)
        time, batch, width = tf.shape(x)[0], tf.shape(x)[1], sequences.shape[2]
        lengths = tf.fill([batch], time) if mask is None else tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)

        def reverse(y):
            return tf.reverse_sequence(y, lengths, seq_axis=0, batch_axis=1)

        def run(cell, x):
            kernel = tf.cast(cell.kernel, self.compute_dtype)
            recurrent = tf.cast(cell.recurrent_kernel, self.compute_dtype)
            product = _dot(tf.reshape(x, [-1, width]), kernel) + tf.cast(cell.bias, tf.float32)
            return _scan(tf.reshape(product, [time, batch, 4 * cell.units]), recurrent)

        hidden = run(self.forward_layer.cell, x), reverse(run(self.backward_layer.cell, reverse(x)))
        outputs = tf.transpose(tf.concat(hidden, -1), (1, 0, 2))
        outputs.set_shape([sequences.shape[0], sequences.shape[1], outputs.shape[2]])
        return outputs if mask is None else outputs * tf.cast(mask, outputs.dtype)[:, :, None]
