'use strict';
// node socket_io_client.js URL CLIENTS TRANSPORT,... [cookies]
//
// So many clients at once, each from an address of its own, 127.0.0.2 and on; with `cookies` they keep these, as a browser
// does. Prints a line for each: "ok", or what went
// wrong. Ok: it was connected, had 100,000 bytes sent back, upgraded if it was to, and met one process only.
const assert = require('assert');
const http = require('http');
const {io} = require('socket.io-client');
const [url, clients, transports, cookies] = process.argv.slice(2);
const names = transports.split(',');

const one = number => new Promise(end => {
  const agent = new http.Agent({localAddress: `127.0.0.${number + 2}`});
  const socket = io(url, {forceNew: true, reconnection: false, withCredentials: Boolean(cookies), agent,
    transports: names});
  const upgraded = new Promise(done => socket.io.on('open', () =>
    names.length === 2 ? socket.io.engine.once('upgrade', done) : done()));
  const finish = what => {
    socket.removeAllListeners();
    socket.close();
    end(what);
  };
  socket.on('connect_error', error =>
    finish('not connected: ' + error.message + ' ' + (error.context && error.context.responseText || '')));
  socket.on('disconnect', why => finish('cut off: ' + why));
  socket.on('connect', async () => {
    try {
      const first = await socket.emitWithAck('who');
      const bytes = Buffer.alloc(100000, number);
      assert(bytes.equals(await socket.emitWithAck('echo', bytes)));
      await upgraded;
      const last = await socket.emitWithAck('who');
      assert.strictEqual(last.process, first.process);
      assert.strictEqual(last.transport, names.at(-1));
      finish('ok');
    } catch (error) {
      finish(String(error));
    }
  });
});

Promise.all(Array.from({length: +clients}, (_, number) => one(number))).then(lines => {
  console.log(lines.join('\n'));
  process.exit();
});
