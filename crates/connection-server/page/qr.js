/**
 * An encoder of QR codes (ISO/IEC 18004) for addresses: bytes as UTF-8, error correction level M, versions 1 to 40.
 */

/** The number of error correction codewords of each block, by version. */
const CORRECTION = [
  0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
];
/** The number of blocks, by version. */
const BLOCKS = [
  0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33,
  35, 37, 38, 40, 43, 45, 47, 49,
];
/** The bits of level M in the format information. */
const LEVEL = 0;

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/**
 * Encodes a text.
 * @param {string} text
 * @returns {boolean[][]} the modules by row; `true` is dark
 * @throws {RangeError} if the text is longer than a code can hold
 */
export function encode(text) {
  const bytes = new TextEncoder().encode(text);
  const version = versionFor(bytes.length);
  const words = interleave(dataWords(bytes, version), version);
  let best = null;
  for (let mask = 0; mask < MASKS.length; mask += 1) {
    const drawn = draw(words, version, mask);
    const penalty = penaltyOf(drawn);
    if (!best || penalty < best.penalty) best = { penalty, drawn };
  }
  return best.drawn;
}

function versionFor(length) {
  for (let version = 1; version <= 40; version += 1) {
    const header = 4 + (version < 10 ? 8 : 16);
    if (header + length * 8 <= capacity(version) * 8) return version;
  }
  throw new RangeError('the text is too long for a QR code');
}

/** Returns the number of modules that hold data and its correction. */
function rawModules(version) {
  let count = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const positions = Math.floor(version / 7) + 2;
    count -= (25 * positions - 10) * positions - 55;
    if (version >= 7) count -= 36;
  }
  return count;
}

const rawWords = (version) => Math.floor(rawModules(version) / 8);
const capacity = (version) => rawWords(version) - CORRECTION[version] * BLOCKS[version];

function dataWords(bytes, version) {
  const bits = [];
  const put = (value, length) => {
    for (let bit = length - 1; bit >= 0; bit -= 1) bits.push((value >>> bit) & 1);
  };
  const room = capacity(version) * 8;
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => put(byte, 8));
  put(0, Math.min(4, room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
  const words = new Uint8Array(bits.length / 8);
  bits.forEach((bit, index) => (words[index >> 3] |= bit << (7 - (index & 7))));
  return words;
}

/** Multiplies in the field of 256 elements. */
function multiply(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >>> 7) * 0x11d);
    product ^= ((b >>> bit) & 1) * a;
  }
  return product;
}

function generator(degree) {
  const result = new Uint8Array(degree);
  result[degree - 1] = 1;
  let root = 1;
  for (let step = 0; step < degree; step += 1) {
    for (let index = 0; index < degree; index += 1) {
      result[index] = multiply(result[index], root) ^ (result[index + 1] ?? 0);
    }
    root = multiply(root, 2);
  }
  return result;
}

function remainder(words, divisor) {
  const result = new Array(divisor.length).fill(0);
  for (const word of words) {
    const factor = word ^ result.shift();
    result.push(0);
    divisor.forEach((coefficient, index) => (result[index] ^= multiply(coefficient, factor)));
  }
  return result;
}

/** Splits the words into blocks, adds the correction of each, and takes the blocks in turn. */
function interleave(words, version) {
  const count = BLOCKS[version];
  const correction = CORRECTION[version];
  const total = rawWords(version);
  const short = count - (total % count);
  const length = Math.floor(total / count) - correction;
  const divisor = generator(correction);
  const blocks = [];
  let from = 0;
  for (let index = 0; index < count; index += 1) {
    const data = words.slice(from, (from += length + (index < short ? 0 : 1)));
    blocks.push({ data, extra: remainder(data, divisor) });
  }
  const result = [];
  for (let index = 0; index <= length; index += 1) {
    for (const { data } of blocks) if (index < data.length) result.push(data[index]);
  }
  for (let index = 0; index < correction; index += 1) for (const { extra } of blocks) result.push(extra[index]);
  return result;
}

function alignment(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
  const result = [6];
  for (let at = version * 4 + 10; result.length < count; at -= step) result.splice(1, 0, at);
  return result;
}

function draw(words, version, mask) {
  const size = version * 4 + 17;
  const modules = Array.from({ length: size }, () => new Array(size).fill(false));
  const fixed = Array.from({ length: size }, () => new Array(size).fill(false));
  const set = (x, y, isDark) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    modules[y][x] = Boolean(isDark);
    fixed[y][x] = true;
  };
  drawPatterns(set, size, version);
  drawFormat(set, size, mask);
  if (version >= 7) drawVersion(set, size, version);
  let index = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (fixed[y][x]) continue;
        const bit = index < words.length * 8 ? (words[index >> 3] >>> (7 - (index & 7))) & 1 : 0;
        modules[y][x] = Boolean(bit) !== MASKS[mask](x, y);
        index += 1;
      }
    }
  }
  return modules;
}

function drawPatterns(set, size, version) {
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  for (const [x, y] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ]) {
    for (let dy = -4; dy <= 4; dy += 1) {
      for (let dx = -4; dx <= 4; dx += 1) {
        const distance = Math.max(Math.abs(dx), Math.abs(dy));
        set(x + dx, y + dy, distance !== 2 && distance !== 4);
      }
    }
  }
  const places = alignment(version);
  const last = places.length - 1;
  places.forEach((x, i) =>
    places.forEach((y, j) => {
      if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return;
      for (let dy = -2; dy <= 2; dy += 1) {
        for (let dx = -2; dx <= 2; dx += 1) set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
      }
    }),
  );
}

function drawFormat(set, size, mask) {
  const data = (LEVEL << 3) | mask;
  let rest = data;
  for (let step = 0; step < 10; step += 1) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  const bit = (index) => (bits >>> index) & 1;
  for (let index = 0; index < 6; index += 1) set(8, index, bit(index));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let index = 9; index < 15; index += 1) set(14 - index, 8, bit(index));
  for (let index = 0; index < 8; index += 1) set(size - 1 - index, 8, bit(index));
  for (let index = 8; index < 15; index += 1) set(8, size - 15 + index, bit(index));
  set(8, size - 8, true);
}

function drawVersion(set, size, version) {
  let rest = version;
  for (let step = 0; step < 12; step += 1) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
  const bits = (version << 12) | rest;
  for (let index = 0; index < 18; index += 1) {
    const a = size - 11 + (index % 3);
    const b = Math.floor(index / 3);
    set(a, b, (bits >>> index) & 1);
    set(b, a, (bits >>> index) & 1);
  }
}

/** Returns how hard a code is to read, by the four rules of the standard. */
function penaltyOf(modules) {
  const size = modules.length;
  const columns = modules.map((_, x) => modules.map((row) => row[x]));
  let penalty = 0;
  for (const line of [...modules, ...columns]) {
    const text = line.map((isDark) => (isDark ? '1' : '0')).join('');
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) penalty += run.length - 2;
    for (const pattern of ['10111010000', '00001011101']) {
      for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) penalty += 40;
    }
  }
  let dark = 0;
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      if (modules[y][x]) dark += 1;
      if (x && y && new Set([modules[y][x], modules[y - 1][x], modules[y][x - 1], modules[y - 1][x - 1]]).size === 1)
        penalty += 3;
    }
  }
  return penalty + Math.floor(Math.abs((dark * 20) / (size * size) - 10)) * 10;
}
