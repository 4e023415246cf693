// ONNX Runtime, from its package for Node. ONNX has NCHW only; the blocked layout that the library likes better
// inside is behind reorderings of input and output, which are timed. The native call is used straight: the
// package's promises would add tens of microseconds to each. Lines, numbers and times are those of peer.c.
"use strict";
const fs = require("fs");
const readline = require("readline");
const modules = "@ONNXRUNTIME_NODE_DIR@";
const { binding, initOrt } = require(modules + "/onnxruntime-node/dist/binding");
const { Tensor } = require(require.resolve("onnxruntime-common", { paths: [modules + "/onnxruntime-node"] }));
const { version } = require(modules + "/onnxruntime-node/package.json");

const SAMPLES = 16;
const SAMPLE_SECONDS = 30e-6; // the clock has a grain of some 30 ns: this is 0.1% of a sample
const SEED_INPUT = 1;
const SEED_WEIGHT = 2;

// ---- ONNX's protocol buffers: a field is a number or bytes ----

function varint(value) {
    const bytes = [];
    for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
    return Buffer.from([...bytes, value]);
}

function field(number, value) {
    if (typeof value === "number") return Buffer.concat([varint(number * 8), varint(value)]);
    const bytes = Buffer.from(value);
    return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function message(...fields) {
    return Buffer.concat(fields.map(([number, value]) => field(number, value)));
}

const INT = 2;
const INTS = 7;
const FLOAT = 1;

function attribute(name, value) {
    if (typeof value === "number") return message([1, name], [3, value], [20, INT]);
    return message([1, name], ...value.map((number) => [8, number]), [20, INTS]);
}

function tensorType(name, shape) {
    const dimensions = message(...shape.map((size) => [1, message([1, size])]));
    return message([1, name], [2, message([1, message([1, FLOAT], [2, dimensions])])]);
}

function model(call, weight) {
    const attributes = [
        attribute("kernel_shape", call.kernel),
        attribute("strides", call.stride),
        attribute("dilations", call.dilation),
        attribute("pads", [...call.padLo, ...call.padHi]),
        attribute("group", call.groups),
    ];
    if (call.transposed) attributes.push(attribute("output_padding", call.outputPadding));
    const node = message(
        [1, "x"],
        [1, "w"],
        [2, "y"],
        [4, call.transposed ? "ConvTranspose" : "Conv"],
        ...attributes.map((bytes) => [5, bytes])
    );
    const dims = call.weightShape.map((size) => [1, size]);
    const raw = Buffer.from(weight.buffer, weight.byteOffset, weight.byteLength);
    const graph = message(
        [1, node],
        [2, "convolution"],
        [5, message(...dims, [2, FLOAT], [8, "w"], [9, raw])],
        [11, tensorType("x", call.inputShape)],
        [12, tensorType("y", call.outputShape)]
    );
    return message([1, 8], [7, graph], [8, message([2, 17])]);
}

// ---- Calls and numbers ----

function readCall(words) {
    const numbers = words.slice(1).map(Number);
    const [threads, transposed, rank, batch, groups, inputs, outputs] = numbers.splice(0, 7);
    const spatial = () => numbers.splice(0, rank);
    const [input, output, kernel, stride, dilation, padLo, padHi, outputPadding] = Array.from({ length: 8 }, spatial);
    return {
        ...{ layout: words[0], threads, transposed, groups, kernel, stride, dilation, padLo, padHi, outputPadding },
        inputShape: [batch, inputs, ...input],
        outputShape: [batch, outputs, ...output],
        weightShape: [...(transposed ? [inputs, outputs / groups] : [outputs, inputs / groups]), ...kernel],
    };
}

function values(shape, seed) {
    const count = shape.reduce((product, size) => product * size, 1);
    const tensor = new Float32Array(count);
    for (let i = 0; i < count; i++) {
        let x = Math.imul(i + Math.imul(seed, 0x9e3779b9), 2654435761);
        x = Math.imul(x ^ (x >>> 15), 2246822519);
        tensor[i] = ((x >>> 16) - 32768) / 32768;
    }
    return tensor;
}

function check(output) {
    let sum = 0;
    for (const value of output) sum += Math.abs(value);
    const picked = Array.from({ length: SAMPLES }, (_, i) => {
        return output[Math.floor(((output.length - 1) * i) / (SAMPLES - 1))];
    });
    return [sum / output.length, ...picked].map((value) => value.toPrecision(9)).join(" ");
}

// ---- The conversation ----

function open(call) {
    if (call.layout !== "nchw") throw new Error("ONNX has NCHW only");
    const session = new binding.InferenceSession();
    const bytes = model(call, values(call.weightShape, SEED_WEIGHT));
    session.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, {
        intraOpNumThreads: call.threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
    });
    const feeds = { x: new Tensor("float32", values(call.inputShape, SEED_INPUT), call.inputShape) };
    const output = new Float32Array(call.outputShape.reduce((product, size) => product * size, 1));
    const fetches = { y: new Tensor("float32", output, call.outputShape) };
    return { run: () => session.run(feeds, fetches, {}), close: () => session.dispose(), output };
}

function sample(work, calls) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) work.run();
    return Number(process.hrtime.bigint() - start) * 1e-9 / calls;
}

// Seconds of one call, the best seen; the first call only warms the caches.
function measure(work, seconds) {
    const first = sample(work, 1);
    const calls = first < SAMPLE_SECONDS ? Math.floor(SAMPLE_SECONDS / (first + 1e-9)) + 1 : 1;
    const end = performance.now() + seconds * 1e3;
    let least = sample(work, calls);
    while (performance.now() < end) least = Math.min(least, sample(work, calls));
    return least;
}

function answer(words, state) {
    if (words[0] === "open") {
        if (state.work) state.work.close();
        state.work = null;
        const work = open(readCall(words.slice(1)));
        work.run();
        state.work = work;
        return "ready session " + check(work.output);
    }
    if (words[0] === "run") return "time " + (measure(state.work, Number(words[1]) * 1e-6) * 1e6).toFixed(4);
    throw new Error("understand");
}

async function serve() {
    const state = { work: null };
    initOrt();
    fs.writeSync(1, `library ONNXRuntime ${version}\n`);
    for await (const line of readline.createInterface({ input: process.stdin })) {
        if (line === "quit") break;
        let said;
        try {
            said = answer(line.trim().split(/\s+/), state);
        } catch (error) {
            said = "cannot " + String(error.message).replace(/\s+/g, " ").slice(0, 200);
        }
        fs.writeSync(1, said + "\n");
    }
}

serve();
