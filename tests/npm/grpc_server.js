// A server of gRPC as people write it, in plain text. Prints its port.
'use strict';
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const {Echo} = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, 'echo.proto'))).test;
const server = new grpc.Server();
server.addService(Echo.service, {
  One: (call, done) => done(null, call.request),
  Down: (call) => {
    for (let i = 0; i < call.request.number; i++) call.write({number: i, data: Buffer.alloc(10_000)});
    call.end();
  },
  Up: (call, done) => {
    let number = 0;
    call.on('data', (message) => { number += message.data.length; });
    call.on('end', () => done(null, {number}));
  },
  Both: (call) => {
    call.on('data', (message) => call.write({text: 're ' + message.text}));
    call.on('end', () => call.end());
  },
  Fail: (call, done) => done({code: grpc.status.NOT_FOUND, details: 'no such thing'}),
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => console.log(`port ${port}.`));
