// Numbers from 0 to 1 as colours on a canvas.

// 256 colours between a few, "#rrggbb" each, as a canvas holds them: alpha, blue, green, red.
export function heatColours(stops) {
  const colours = stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.trim().slice(at, at + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (colours.length - 1), low = Math.min(Math.floor(place), colours.length - 2);
    const mixed = (from, channel) => Math.round(from + (place - low) * (colours[low + 1][channel] - from));
    const [red, green, blue] = colours[low].map(mixed);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

// Draws value(column, row) for the columns from `left` to `right`; each is `step` wide. All are in CSS pixels.
export function drawHeat(context, colours, value, { columns, rows, step, left, right, top, height }) {
  const first = Math.max(0, Math.floor(left / step)), end = Math.min(columns, Math.ceil(right / step));
  if (!columns || end <= first) return; // before there is sound, nothing has a width
  const image = new ImageData(end - first, rows), pixels = new Uint32Array(image.data.buffer);
  for (let t = first; t < end; t++) {
    for (let y = 0; y < rows; y++) {
      pixels[y * (end - first) + t - first] = colours[Math.max(0, Math.min(255, Math.round(255 * value(t, y))))];
    }
  }
  const small = new OffscreenCanvas(end - first, rows);
  small.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(small, first * step - left, top, (end - first) * step, height);
}
