/**
 * One client of the drill: calls the tool of a server without end, through the program that its arguments name.
 *
 *     node drill-client.mjs GENERATION PROGRAM [ARGUMENT…]
 *
 * The generation is `1` for `@modelcontextprotocol/sdk`, or `2` for `@modelcontextprotocol/client`. Each call is a line on
 * standard output: `ok`, or `error` with what was said.
 */
const [generation, command, ...args] = process.argv.slice(2);
const [{ Client }, { StdioClientTransport }] =
  generation === '1'
    ? await Promise.all([
        import('@modelcontextprotocol/sdk/client/index.js'),
        import('@modelcontextprotocol/sdk/client/stdio.js'),
      ])
    : await Promise.all([import('@modelcontextprotocol/client'), import('@modelcontextprotocol/client/stdio')]);

const MAX_PAUSE = 1000;
const options = generation === '1' ? {} : { versionNegotiation: { mode: 'auto' } };

const client = new Client({ name: `drill-${generation}`, version: '1.0.0' }, options);
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: 'inherit' });
try {
  await client.connect(transport);
} catch (error) {
  console.log(`error connect: ${error.message}`);
  process.exit(1);
}
// The program may be killed, too.
client.onclose = () => process.exit(1);
for (let count = 0; ; count += 1) {
  const text = `${process.pid}-${count}`;
  try {
    const answer = await client.callTool({ name: 'echo', arguments: { text } });
    console.log(answer.content?.[0]?.text === text ? 'ok' : `error another answer: ${JSON.stringify(answer)}`);
  } catch (error) {
    console.log(`error ${error.data?.code ?? ''} ${error.message}`.replaceAll('\n', ' '));
  }
  await new Promise((resolve) => setTimeout(resolve, Math.random() * MAX_PAUSE));
}
