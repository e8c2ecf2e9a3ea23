// A client of grpc_server.js: argv is its address, and the certificate that is believed, if it speaks TLS. Prints a line of JSON.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const {Echo} = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, 'echo.proto'))).test;
const [, , address, authority] = process.argv;
const client = new Echo(address, authority ? grpc.credentials.createSsl(fs.readFileSync(authority)) : grpc.credentials.createInsecure());

const one = (message) => new Promise((resolve, reject) =>
    client.One(message, (error, answer) => error ? reject(error) : resolve(answer)));
const count = (stream) => new Promise((resolve, reject) => {
  let messages = 0;
  stream.on('data', () => messages++).on('end', () => resolve(messages)).on('error', reject);
});

async function main() {
  const said = {};
  const many = await Promise.all(Array.from({length: 500}, (_, number) => one({number, data: Buffer.alloc(2_000)})));
  said.many = many.every((answer, i) => answer.number === i);
  said.large = (await one({data: Buffer.alloc(3_000_000)})).data.length;
  said.down = await count(client.Down({number: 300}));
  said.up = await new Promise((resolve, reject) => {
    const stream = client.Up((error, answer) => error ? reject(error) : resolve(answer.number));
    for (let i = 0; i < 300; i++) stream.write({data: Buffer.alloc(10_000)});
    stream.end();
  });
  const both = client.Both();
  let turns = 0; // each message waits for the answer to the one before
  both.on('data', () => ++turns < 20 ? both.write({text: String(turns)}) : both.end());
  both.write({text: '0'});
  await count(both);
  said.both = turns;
  said.fails = await new Promise((resolve) => client.Fail({}, (error) => resolve(`${error.code} ${error.details}`)));
  said.deadline = await new Promise((resolve) => {
    const call = client.Both({deadline: Date.now() + 200});
    call.on('data', () => {}).on('error', (error) => resolve(error.code));
    call.write({text: 'and nothing more'});
  });
  console.log(JSON.stringify(said));
  client.close();
}

main().catch((error) => {
  console.log(JSON.stringify({error: String(error)}));
  process.exit(1);
});
