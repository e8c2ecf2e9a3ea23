// A Node server as a program behind the proxy would be. Prints its port.
'use strict';
const http = require('http');
const crypto = require('crypto');

let events = null; // the stream of GET /events, until GET /next

const routes = {
  '/hello': (req, res) => res.end('hello from node'),
  '/chunked': (req, res) => {
    res.writeHead(200, {Trailer: 'X-Sum'});
    for (let i = 0; i < 1000; i++) res.write(`line ${i}\n`);
    res.addTrailers({'X-Sum': '1000'});
    res.end();
  },
  '/echo': (req, res) => {
    res.setHeader('X-Framing', req.headers['transfer-encoding'] || req.headers['content-length'] || 'none');
    req.pipe(res);
  },
  '/large': (req, res) => res.end(Buffer.alloc(2_000_000, 'l')),
  '/count': (req, res) => {
    let size = 0;
    req.on('data', (data) => { size += data.length; });
    req.on('end', () => res.end(String(size)));
  },
  '/fields': (req, res) => res.end(JSON.stringify(req.headers)),
  '/events': (req, res) => {
    res.writeHead(200, {'Content-Type': 'text/event-stream'});
    res.write('data: first\n\n');
    events = res;
  },
  '/next': (req, res) => {
    events.end('data: second\n\n');
    res.end('sent');
  },
};

const server = http.createServer((req, res) => {
  const route = routes[req.url.split('?')[0]];
  if (route) return route(req, res);
  res.statusCode = 404;
  res.end();
});

// A WebSocket that sends back what it gets: short text frames, and the close.
server.on('upgrade', (req, socket, head) => {
  const accept = crypto.createHash('sha1')
      .update(req.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
      .digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let received = head;
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 6 && received.length >= 6 + (received[1] & 127)) {
      const size = received[1] & 127;
      const mask = received.subarray(2, 6);
      const text = received.subarray(6, 6 + size).map((byte, i) => byte ^ mask[i % 4]);
      socket.write(Buffer.concat([Buffer.from([received[0], size]), text]));
      if ((received[0] & 15) === 8) socket.end();
      received = received.subarray(6 + size);
    }
  });
});

server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}.`));
