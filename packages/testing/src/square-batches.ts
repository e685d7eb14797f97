/** Eight batches of four grey 32x32 images with one dark or light square each. A detector learns them in seconds. */
export function* squareBatches() {
  for (let batch = 0; batch < 8; batch++) {
    const images = new Float32Array(4 * 32 * 32 * 3).fill(127);
    const boxes = new Float32Array(4 * 2 * 4);
    const classes = new Int32Array(4 * 2);
    for (let image = 0; image < 4; image++) {
      const number = batch * 4 + image;
      const side = 8 + (number % 3) * 3;
      const [x, y] = [(number * 7) % (32 - side), (number * 11) % (32 - side)];
      classes[image * 2] = number % 2;
      boxes.set([x, y, x + side, y + side], image * 8);
      for (let row = y; row < y + side; row++) {
        images.fill(
          number % 2 === 0 ? 20 : 235,
          ((image * 32 + row) * 32 + x) * 3,
          ((image * 32 + row) * 32 + x + side) * 3,
        );
      }
    }
    yield {
      images: { data: images, shape: [4, 32, 32, 3] as [number, number, number, number] },
      boxes: { data: boxes, shape: [4, 2, 4] },
      classes: { data: classes, shape: [4, 2] },
      counts: Int32Array.of(1, 1, 1, 1),
      records: Array.from({ length: 4 }, (_, image) => ({ imageId: batch * 4 + image, width: 64, height: 64 })),
    };
  }
}
