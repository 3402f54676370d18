// The same service with Apollo's own way of running queries. A process of its own, started by `comparisons.ts`: it reads
// the folder with its data from its first argument and prints its address.
import type { createApp } from "../../src/app.ts";
import type { loadConfig } from "../../src/config.ts";

const { folder } = JSON.parse(process.argv[2]!) as { folder: string };
const built = (name: string) => import(new URL(`../../dist/${name}.js`, import.meta.url).href);
const app = (await built("app")) as { createApp: typeof createApp };
const config = (await built("config")) as { loadConfig: typeof loadConfig };
const env = { INSTANCE_DIR: folder, PORT: "0", LOG_LEVEL: "error" };
const service = await app.createApp(config.loadConfig(env), { compileAfterCount: Infinity });
console.log(await service.start());
