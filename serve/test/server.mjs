import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

// serve starts the command INFER as a server on a port of its own, and waits
// until it is ready. end ends it.
export async function serve(infer, ...args) {
  const child = spawn(infer, ["serve", "--listen", "127.0.0.1:0", "--admin", "", "--drain", "0s", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const tls = args.includes("--tls-cert");
  // It says in its log where it listens.
  const address = await new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface(child.stderr).on("line", (line) => {
      const entry = JSON.parse(line);
      if (entry.msg === "serving") resolve(entry.address);
    });
  });
  child.removeAllListeners("exit");
  const url = `${tls ? "https" : "http"}://${address}`;
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const end = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  const patience = Date.now() + 10_000;
  while (!tls && (await fetch(`${url}/v2/health/ready`)).status !== 200) {
    if (Date.now() > patience) {
      await end();
      throw new Error("the server is not ready");
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { address, url, end };
}
