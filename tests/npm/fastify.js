'use strict';
// The same as express.js.
const trust = {1: 1, true: true}[process.env.TRUST] || process.env.TRUST || false;
const app = require('fastify')({trustProxy: trust});
app.get('/who', async request => ({
  worker: process.env.ROUNDHOUSE_WORKER_ID, ip: request.ip || 'none',
  ips: (request.ips || []).join(), protocol: request.protocol, host: request.hostname}));
app.get('/slow', async () => {
  console.log('slow begins');
  await new Promise(done => setTimeout(done, 500));
  return 'slow';
});
const at = process.env.SOCKET ? {path: process.env.SOCKET} : {port: +(process.env.PORT || 3000)};
app.listen(at);
