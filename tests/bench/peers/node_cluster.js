// Node's own cluster, answering what the hello worker answers.
//
//   node node_cluster.js PORT WORKERS rr|none
const cluster = require('node:cluster');
const http = require('node:http');

const [port, workers, policy] = process.argv.slice(2);
cluster.schedulingPolicy = policy === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;

if (cluster.isPrimary) {
  for (let i = 0; i < Number(workers); ++i) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  const body = `hello world from worker ${cluster.worker.id} (pid ${process.pid})\n`;
  const headers = {
    'Content-Type': 'text/plain',
    'Content-Length': Buffer.byteLength(body),
    'Worker-Id': cluster.worker.id,
    'Worker-Pid': process.pid,
  };
  http.createServer((request, response) => {
    response.writeHead(200, headers);
    response.end(body);
  }).listen({port: Number(port), host: '127.0.0.1', backlog: 4096});
}
