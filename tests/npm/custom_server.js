'use strict';
// As frameworks with a server of their own do it: something to prepare first, a server of node:http that a listener is
// told to use, WebSocket upgrades taken by hand, and a second server for what is not for the world.
const http = require('http');
const express = require('express');
const site = express().use((request, response) => response.send('site ' + process.env.ROUNDHOUSE_WORKER_ID));
const inside = express().use((request, response) => response.send('inside'));
const prepare = () => new Promise(done => setTimeout(done, 100));
prepare().then(() => {
  const server = http.createServer((request, response) => site(request, response));
  server.on('upgrade', (request, socket) => socket.resume().end('HTTP/1.1 101 Switching Protocols\r\n' +
    'Connection: Upgrade\r\nUpgrade: ' + request.headers.upgrade + '\r\n\r\n'));
  server.keepAliveTimeout = 10000;
  http.createServer(inside).listen({port: 3001, host: '0.0.0.0'}, () =>
    server.listen(3000, '0.0.0.0', 511, () => console.log('prepared', server.address().port)));
});
