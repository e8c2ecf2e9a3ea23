import { createServer, type IncomingMessage } from 'node:http';

const port: number = Number(process.env.PORT ?? 3000);
createServer((request: IncomingMessage, response) => {
  response.end(`typescript ${process.env.ROUNDHOUSE_WORKER_ID}`);
}).listen(port);
