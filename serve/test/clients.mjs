// Clients that others have written, against the server: health, metadata, and
// inference in every form in which tensors come and go, with the same bits as
// those of `infer run`.
//
//	node clients.mjs INFER REPOSITORY
//
// INFER is the command. curl, openssl, grpcurl and ghz are found by PATH.
// TRITONCLIENT is a folder with the sources of Triton's Python client; without
// it that is left out.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import { serve } from "./server.mjs";

const [infer, repository] = process.argv.slice(2);
const proto = join(repository, "serve/grpc/inference/inference.proto");
const dir = mkdtempSync(join(tmpdir(), "infer-clients-"));
let checks = 0;

function run(command, args, input) {
  const r = spawnSync(command, args, { input, maxBuffer: 1 << 28, timeout: 120_000 });
  if (r.error) throw r.error;
  assert.equal(r.status, 0, `${command} ${args.join(" ")}: ${r.stderr} ${r.stdout}`);
  return r.stdout;
}

/* What infer run says */

// npy is a file of float32.
function npy(shape, numbers) {
  let head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  head += " ".repeat(64 - ((head.length + 11) % 64)) + "\n";
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, head.length & 255, head.length >> 8]);
  return Buffer.concat([start, Buffer.from(head, "latin1"), bytes(numbers)]);
}

const bytes = (numbers) => Buffer.from(Float32Array.from(numbers).buffer);

// A tensor of items, and what infer run makes of it, in bytes.
function asked(items, number) {
  const x = Array.from({ length: items * 784 }, (_, i) => number(i));
  const file = join(dir, "x.npy"), result = join(dir, "y.npy");
  writeFileSync(file, npy([items, 1, 28, 28], x));
  run(infer, ["run", "--input", file, "--output", result]);
  const y = readFileSync(result);
  return { items, x, want: y.subarray(10 + y.readUInt16LE(8)) };
}

const random = (i) => ((i * 2654435761) % 2 ** 32) / 2 ** 32;
const fractions = asked(3, (i) => Math.round(random(i) * 256) / 256); // exact in every float
const bits = asked(3, (i) => Math.round(random(i))); // and in every integer

function same(got, want, what) {
  assert(Buffer.isBuffer(got) && got.equals(want), `${what}: other bits than infer run's`);
  checks++;
}

/* Datatypes, and how their elements are written */

function half(x) { // of what is exact
  if (x === 0) return 0;
  const e = Math.floor(Math.log2(x));
  return e < -14 ? x * 2 ** 24 : ((e + 15) << 10) | ((x / 2 ** e - 1) * 1024);
}

const datatypes = [
  ["FP32", 4, "writeFloatLE", fractions, "fp32Contents"],
  ["FP64", 8, "writeDoubleLE", fractions, "fp64Contents"],
  ["FP16", 2, "writeUInt16LE", fractions, null],
  ["UINT8", 1, "writeUInt8", bits, "uintContents"],
  ["UINT16", 2, "writeUInt16LE", bits, "uintContents"],
  ["UINT32", 4, "writeUInt32LE", bits, "uintContents"],
  ["INT8", 1, "writeInt8", bits, "intContents"],
  ["INT16", 2, "writeInt16LE", bits, "intContents"],
  ["INT32", 4, "writeInt32LE", bits, "intContents"],
  ["INT64", 8, "writeBigInt64LE", bits, "int64Contents"],
  ["BOOL", 1, "writeUInt8", bits, "boolContents"],
];

function binary([name, size, write, { x }]) {
  const b = Buffer.alloc(x.length * size);
  x.forEach((v, i) => b[write](name === "FP16" ? half(v) : size === 8 && name === "INT64" ? BigInt(v) : v, i * size));
  return b;
}

/* curl */

function curl(url, headers, body) {
  const args = ["-sS", "--fail-with-body", "-D", join(dir, "headers"), "-o", join(dir, "body")];
  for (const h of headers) args.push("-H", h);
  if (body !== undefined) {
    writeFileSync(join(dir, "request"), body);
    args.push("--data-binary", `@${join(dir, "request")}`);
  }
  run("curl", [...args, url]);
  const length = /^inference-header-content-length: (\d+)/im.exec(readFileSync(join(dir, "headers"), "latin1"));
  const all = readFileSync(join(dir, "body"));
  const n = length ? Number(length[1]) : all.length;
  return { json: n ? JSON.parse(all.subarray(0, n)) : null, behind: all.subarray(n) };
}

function rest(url) {
  assert.deepEqual(curl(`${url}/v2/health/live`, []).json, { live: true });
  assert.deepEqual(curl(`${url}/v2/health/ready`, []).json, { ready: true });
  assert.equal(curl(`${url}/v2`, []).json.name, "infer");
  assert.deepEqual(curl(`${url}/v2/models`, []).json, { models: ["digits"] });
  assert.deepEqual(curl(`${url}/v2/models/digits`, []).json.inputs, [{ name: "input", datatype: "FP32", shape: [-1, 1, 28, 28] }]);
  assert.equal(curl(`${url}/v2/models/digits/versions/1/ready`, []).json.ready, true);
  assert.equal(curl(`${url}/v2/repository/index`, [], "").json[0].state, "READY");
  checks += 7;
  const infers = `${url}/v2/models/digits/infer`;
  const json = ["Content-Type: application/json"];
  // What comes back, whether as numbers or in binary.
  const got = ({ json, behind }) => (json.outputs[0].parameters?.binary_data_size ? behind : bytes(json.outputs[0].data));
  const outs = {
    numbers: {}, "all in binary": { parameters: { binary_data_output: true } },
    "one in binary": { outputs: [{ name: "output", parameters: { binary_data: true } }] },
    "numbers after all": { parameters: { binary_data_output: true }, outputs: [{ name: "output", parameters: { binary_data: false } }] },
  };
  for (const datatype of datatypes) {
    const [name, , , { items, x, want }] = datatype;
    const input = { name: "input", shape: [items, 1, 28, 28], datatype: name };
    const flat = name === "BOOL" ? x.map(Boolean) : x;
    const nested = Array.from({ length: items }, (_, i) => Array.from({ length: 28 }, (_, r) => flat.slice((i * 28 + r) * 28, (i * 28 + r + 1) * 28)));
    const data = binary(datatype);
    for (const [form, more] of Object.entries(outs)) {
      if (name !== "FP16") {
        const request = JSON.stringify({ ...more, inputs: [{ ...input, data: flat }] });
        same(got(curl(infers, json, request)), want, `curl, ${name}, flat, ${form}`);
        same(got(curl(infers, [...json, "Content-Encoding: gzip"], gzipSync(request))), want, `curl, ${name}, gzip, ${form}`);
        same(got(curl(infers, [...json, "Content-Encoding: deflate"], deflateSync(request))), want, `curl, ${name}, deflate, ${form}`);
        same(got(curl(infers, json, JSON.stringify({ ...more, inputs: [{ ...input, data: nested }] }))), want, `curl, ${name}, nested, ${form}`);
      }
      const head = Buffer.from(JSON.stringify({ ...more, inputs: [{ ...input, parameters: { binary_data_size: data.length } }] }));
      const headers = ["Content-Type: application/octet-stream", `Inference-Header-Content-Length: ${head.length}`];
      same(got(curl(infers, headers, Buffer.concat([head, data]))), want, `curl, ${name}, binary, ${form}`);
    }
  }
  const raw = curl(infers, ["Content-Type: application/octet-stream", "Inference-Header-Content-Length: 0"], bytes(fractions.x.slice(0, 784)));
  same(raw.behind, fractions.want.subarray(0, 40), "curl, raw");
}

/* gRPC */

const service = "inference.GRPCInferenceService";

function contents(datatype) {
  const [name, , , { x }, field] = datatype;
  return { [field]: name === "BOOL" ? x.map(Boolean) : x };
}

function grpcurl(address, ...how) {
  const call = (method, request) => JSON.parse(run("grpcurl", [...how, "-d", "@", address, method], JSON.stringify(request)));
  assert.deepEqual(run("grpcurl", [...how, address, "list"]).toString().trim().split("\n").sort().filter((s) => !s.includes("reflection")), ["grpc.health.v1.Health", service]);
  assert.match(run("grpcurl", [...how, address, "describe", "inference.ModelInferRequest"]).toString(), /raw_input_contents = 7/);
  assert.deepEqual(call("grpc.health.v1.Health/Check", {}), { status: "SERVING" });
  assert.deepEqual(call("grpc.health.v1.Health/Check", { service: "digits" }), { status: "SERVING" });
  assert.deepEqual(call(`${service}/ServerLive`, {}), { live: true });
  assert.deepEqual(call(`${service}/ServerReady`, {}), { ready: true });
  assert.deepEqual(call(`${service}/ModelReady`, { name: "digits" }), { ready: true });
  assert.equal(call(`${service}/ServerMetadata`, {}).name, "infer");
  assert.equal(call(`${service}/ModelMetadata`, { name: "digits" }).platform, "infer_frz");
  checks += 9;
  for (const datatype of datatypes) {
    const [name, , , { items, want }, field] = datatype;
    const input = { name: "input", datatype: name, shape: [items, 1, 28, 28] };
    const got = (request) => Buffer.from(call(`${service}/ModelInfer`, { modelName: "digits", ...request }).rawOutputContents[0], "base64");
    same(got({ inputs: [input], rawInputContents: [binary(datatype).toString("base64")] }), want, `grpcurl, ${name}, raw`);
    if (field) same(got({ inputs: [{ ...input, contents: contents(datatype) }] }), want, `grpcurl, ${name}, typed`);
  }
}

async function grpcJS(address, credentials) {
  const definition = loader.loadSync(proto, { longs: Number, enums: String, defaults: true });
  const { GRPCInferenceService } = grpc.loadPackageDefinition(definition).inference;
  const client = new GRPCInferenceService(address, credentials, { "grpc.max_receive_message_length": 64 << 20 });
  const call = (method, request) => new Promise((resolve, reject) => client[method](request, (error, answer) => (error ? reject(error) : resolve(answer))));
  try {
    assert.equal((await call("ServerLive", {})).live, true);
    assert.equal((await call("ServerReady", {})).ready, true);
    assert.equal((await call("ModelReady", { name: "digits", version: "1" })).ready, true);
    assert.deepEqual((await call("ModelMetadata", { name: "digits" })).outputs[0].shape, [-1, 10]);
    assert.equal((await call("ModelConfig", { name: "digits" })).config.input[0].dataType, "TYPE_FP32");
    for (const datatype of datatypes) {
      const [name, , , { items, want }, field] = datatype;
      const input = { name: "input", datatype: name, shape: [items, 1, 28, 28] };
      const got = async (request) => (await call("ModelInfer", { modelName: "digits", ...request })).rawOutputContents[0];
      same(await got({ inputs: [input], rawInputContents: [binary(datatype)] }), want, `grpc-js, ${name}, raw`);
      if (field) same(await got({ inputs: [{ ...input, contents: contents(datatype) }] }), want, `grpc-js, ${name}, typed`);
    }
    // More than the 4 MiB of which so many servers stop: one item many times.
    const items = 2000, one = bytes(fractions.x.slice(0, 784));
    const many = await call("ModelInfer", {
      modelName: "digits", inputs: [{ name: "input", datatype: "FP32", shape: [items, 1, 28, 28] }],
      rawInputContents: [Buffer.concat(Array(items).fill(one))],
    });
    same(many.rawOutputContents[0], Buffer.concat(Array(items).fill(fractions.want.subarray(0, 40))), "grpc-js, 6 MB");
    await assert.rejects(call("ModelInfer", { modelName: "none" }), { code: grpc.status.NOT_FOUND });
    await assert.rejects(call("ModelInfer", { modelName: "digits" }), { code: grpc.status.INVALID_ARGUMENT });
    await assert.rejects(call("RepositoryModelLoad", { modelName: "digits" }), { code: grpc.status.PERMISSION_DENIED });
    checks += 8;
  } finally {
    client.close();
  }
}

function ghz(address) {
  const request = JSON.stringify({
    modelName: "digits", inputs: [{ name: "input", datatype: "FP32", shape: [1, 1, 28, 28] }],
    rawInputContents: [bytes(fractions.x.slice(0, 784)).toString("base64")],
  });
  writeFileSync(join(dir, "ghz.json"), request);
  const report = JSON.parse(run("ghz", ["--insecure", "--call", `${service}.ModelInfer`, "-D", join(dir, "ghz.json"), "-n", "2000", "-c", "4", "-O", "json", address]));
  assert.deepEqual(report.statusCodeDistribution, { OK: 2000 });
  checks++;
}

function python(address) {
  if (!process.env.TRITONCLIENT) {
    console.log("Triton's Python client is left out: TRITONCLIENT does not say where its sources are");
    return;
  }
  for (const [name, { items, x, want }] of Object.entries({ fractions, bits })) {
    writeFileSync(join(dir, `${name}.npy`), npy([items, 1, 28, 28], x));
    writeFileSync(join(dir, `${name}.want`), want);
  }
  console.log(run("/usr/bin/python3", [join(import.meta.dirname, "triton.py"), address, dir, proto]).toString().trim());
  checks++;
}

const plain = await serve(infer);
try {
  rest(plain.url);
  grpcurl(plain.address, "-plaintext");
  await grpcJS(plain.address, grpc.credentials.createInsecure());
  ghz(plain.address);
  python(plain.address);
} finally {
  await plain.end();
}

const key = join(dir, "key.pem"), cert = join(dir, "cert.pem");
run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=localhost",
  "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]);
const secret = await serve(infer, "--tls-cert", cert, "--tls-key", key);
try {
  grpcurl(secret.address, "-cacert", cert);
  await grpcJS(secret.address, grpc.credentials.createSsl(readFileSync(cert)));
} finally {
  await secret.end();
  rmSync(dir, { recursive: true });
}
console.log(`${checks} checks of clients passed`);
