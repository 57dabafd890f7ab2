/** Encodes texts of many lengths and reads each code with a decoder (`npm install jsqr`). */
import { createRequire } from 'node:module';
import { encode } from '../qr.js';

const decode = createRequire(`${process.cwd()}/`)('jsqr');
const decoder = decode.default ?? decode;
const SCALE = 4;

function read(modules) {
  const size = (modules.length + 8) * SCALE;
  const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
  modules.forEach((row, y) =>
    row.forEach((isDark, x) => {
      if (!isDark) return;
      for (let dy = 0; dy < SCALE; dy += 1) {
        for (let dx = 0; dx < SCALE; dx += 1) {
          const at = (((y + 4) * SCALE + dy) * size + (x + 4) * SCALE + dx) * 4;
          pixels.fill(0, at, at + 3);
        }
      }
    }),
  );
  return decoder(pixels, size, size)?.data;
}

let failed = 0;
const lengths = [1, 2, 13, 14, 15, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 450, 700, 1100, 1600, 2331];
const texts = lengths.map((length) =>
  `https://provider.example/device?code=${'aZ09-_~%&='.repeat(300)}`.slice(0, length),
);
texts.push('https://github.com/login/device', 'https://münchen.example/gerät?ä=ö');
for (const text of texts) {
  const isSame = read(encode(text)) === text;
  if (!isSame) failed += 1;
  console.log(`${isSame ? 'ok    ' : 'FAILED'} ${text.length} characters, ${encode(text).length} modules`);
}
let isRefused = false;
try {
  encode('x'.repeat(2332));
} catch (error) {
  isRefused = error instanceof RangeError;
}
if (!isRefused) failed += 1;
process.exit(failed ? 1 : 0);
