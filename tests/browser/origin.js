// The server of tests/browser/page.html: the page, WebSockets, events; and it prints what the page reports.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');

let events = null; // the stream of GET /events, until POST /next

const event = (id, text) => `id: ${id}\nevent: news\nretry: 50\ndata: ${text}\n\n`;

const routes = {
  '/page': (request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    fs.createReadStream(path.join(__dirname, 'page.html')).pipe(response);
  },
  '/events': (request, response) => {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    const last = request.headers['last-event-id'];
    response.write(last ? event('9', 'again after ' + last) : event('1', 'first'));
    events = response;
  },
  '/next': (request, response) => {
    events.end(event('2', 'second')); // and the stream with it: the browser comes back
    response.end();
  },
  '/report': (request, response) => {
    request.setEncoding('utf8').on('data', (text) => console.log('report ' + text));
    request.on('end', () => response.end());
  },
};

const frame = (opcode, payload) => {
  const length = payload.length < 126 ? Buffer.from([payload.length])
      : payload.length < 65536 ? Buffer.from([126, payload.length >> 8, payload.length & 255])
      : Buffer.concat([Buffer.from([127]), Buffer.alloc(8)]);
  if (payload.length >= 65536) length.writeBigUInt64BE(BigInt(payload.length), 1);
  return Buffer.concat([Buffer.from([0x80 | opcode]), length, payload]);
};

const close = (code, reason) => {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return frame(8, payload);
};

// Whole messages of a browser: its frames are masked, and a message may have several (RFC 6455 5.2).
const reader = (onMessage) => {
  let received = Buffer.alloc(0);
  let parts = [];
  let kind = 0;
  return (data) => {
    received = Buffer.concat([received, data]);
    for (;;) {
      if (received.length < 2) return;
      const short = received[1] & 127;
      const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
      if (received.length < head + 4) return;
      const size = short === 126 ? received.readUInt16BE(2)
          : short === 127 ? Number(received.readBigUInt64BE(2)) : short;
      if (received.length < head + 4 + size) return;
      const mask = received.subarray(head, head + 4);
      parts.push(received.subarray(head + 4, head + 4 + size).map((byte, i) => byte ^ mask[i % 4]));
      kind = received[0] & 15 || kind;
      const isLast = received[0] & 128;
      received = received.subarray(head + 4 + size);
      if (!isLast) continue;
      onMessage(kind, Buffer.concat(parts));
      parts = [];
    }
  };
};

const server = http.createServer((request, response) => {
  const route = routes[request.url];
  if (route) return route(request, response);
  response.statusCode = 404;
  response.end();
});

// Sends back what it gets; "close CODE REASON" closes, "die" ends the connection without a word.
server.on('upgrade', (request, socket, head) => {
  const accept = crypto.createHash('sha1')
      .update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
      .digest('base64');
  const wanted = (request.headers['sec-websocket-protocol'] || '').split(', ').pop();
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n` + (wanted ? `Sec-WebSocket-Protocol: ${wanted}\r\n` : '') + '\r\n');
  socket.write(frame(1, Buffer.from('welcome')));
  let closing = false;
  const read = reader((kind, payload) => {
    const [word, code, reason] = payload.toString().split(' ');
    if (kind === 8) {
      console.log(`closed ${payload.length < 2 ? 1005 : payload.readUInt16BE()} ${payload.subarray(2)}.`);
      socket.end(closing ? '' : frame(8, payload));
    } else if (kind === 1 && word === 'close') {
      closing = true;
      socket.write(close(Number(code), reason));
    } else if (kind === 1 && word === 'die') {
      socket.destroy();
    } else {
      socket.write(frame(kind, payload));
    }
  });
  socket.on('data', read);
  socket.on('error', () => {});
  if (head.length) read(head);
});

server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}.`));
