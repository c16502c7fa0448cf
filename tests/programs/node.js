// Work for Node.js: prints a digest of each part. argv[2]: the amount of work.
'use strict';
const crypto = require('crypto');
const { execFile } = require('child_process');
const { promisify } = require('util');
const zlib = require('zlib');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

const amount = Number(process.argv[2]);
const digest = (data) => crypto.createHash('sha256').update(data).digest('hex').slice(0, 16);

function* numbers(seed) {
  for (;;) yield (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
}

function text(seed, length) {
  const random = numbers(seed);
  let all = '';
  while (all.length < length) all += random.next().value.toString(36) + ' ';
  return all;
}

function objects() {
  const random = numbers(1);
  const list = Array.from({ length: amount * 50 }, (_, id) => ({ id, name: text(id, random.next().value % 60), tags: [id, { id }] }));
  const again = JSON.parse(JSON.stringify(list));
  again.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id));
  return digest(JSON.stringify(again).replace(/(\d)\1+/g, '<$1>'));
}

function buffers() {
  const random = numbers(2);
  const kept = [];
  const hash = crypto.createHash('sha256');
  for (let i = 0; i < amount * 20; i++) {
    const buffer = Buffer.alloc(random.next().value % 50000, i & 255);
    kept[random.next().value % 200] = buffer;
    hash.update(buffer.subarray(0, 64));
  }
  return hash.update(Buffer.concat(kept.filter(Boolean))).digest('hex').slice(0, 16);
}

async function compressed() {
  const [deflate, inflate] = [promisify(zlib.brotliCompress), promisify(zlib.brotliDecompress)];
  const [gzip, gunzip] = [promisify(zlib.gzip), promisify(zlib.gunzip)];
  const quick = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } };
  const texts = Array.from({ length: Math.ceil(amount / 10) }, (_, seed) => text(seed, 20000));
  const all = await Promise.all(texts.map(async (t) => (await gunzip(await gzip(t))).equals(await inflate(await deflate(t, quick)))));
  return `${all.every(Boolean)} ${all.length}`;
}

async function workers() {
  const one = (seed) => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: seed, argv: [amount] });
    worker.on('message', resolve).on('error', reject);
  });
  return digest((await Promise.all([1, 2, 3, 4, 5, 6].map(one))).join());
}

async function children() {
  const run = promisify(execFile);
  const each = [1, 2, 3].map((n) => run(process.execPath, ['-p', `Buffer.alloc(${n} * 100000, 'x').toString().length`]));
  return (await Promise.all(each)).map((child) => child.stdout.trim()).join();
}

async function main() {
  for (const part of [objects, buffers, compressed, workers, children]) console.log(part.name, await part());
}

if (isMainThread) main();
else parentPort.postMessage(digest(text(workerData, amount * 500).split(' ').sort().join()));
