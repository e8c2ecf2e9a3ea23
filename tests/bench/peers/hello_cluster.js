// The example that docs/examples/hello_cluster.cc follows, as Node's documentation had it.
//
//   node hello_cluster.js PORT
'use strict';

const cluster = require('cluster');
const http = require('http');
const numCPUs = require('os').cpus().length;

if (cluster.isPrimary) {
  for (let i = 0; i < numCPUs; i++) cluster.fork();
  cluster.on('exit', (worker) => console.log(`worker ${worker.process.pid} died`));
  cluster.on('online', (worker) =>
    console.log(`Primary: ${process.pid}, worker ${worker.process.pid} is online`));
} else {
  http.createServer((req, res) => {
    res.end('hello world\n');
  }).listen(Number(process.argv[2]));
  console.log(`Child Cluster ${cluster.worker.id}`);
}
