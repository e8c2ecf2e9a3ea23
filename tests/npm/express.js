'use strict';
// What an Express server sees of its client. TRUST: the setting `trust proxy`.
const express = require('express');
const app = express();
const trust = {1: 1, true: true}[process.env.TRUST] || process.env.TRUST;
if (trust) app.set('trust proxy', trust);
app.get('/who', (request, response) => response.json({
  worker: process.env.ROUNDHOUSE_WORKER_ID, ip: request.ip || 'none', ips: request.ips.join(),
  protocol: request.protocol, host: request.hostname}));
app.get('/slow', (request, response) => {
  console.log('slow begins');
  setTimeout(() => response.send('slow'), 500);
});
app.listen(process.env.SOCKET || process.env.PORT || 3000);
