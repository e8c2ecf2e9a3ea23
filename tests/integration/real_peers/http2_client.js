// Node's http2 client as a client of Roundhouse: argv[2] is the URL. Prints one line of JSON.
'use strict';
const http2 = require('node:http2');

const client = http2.connect(process.argv[2], {rejectUnauthorized: false});

function ask(headers, body, trailers) {
  return new Promise((resolve, reject) => {
    const stream = client.request(headers, {endStream: body === undefined, waitForTrailers: trailers !== undefined});
    const answer = {status: 0, size: 0, text: '', trailers: {}};
    stream.on('response', (head) => { answer.status = head[':status']; });
    stream.on('data', (data) => {
      answer.size += data.length;
      if (answer.text.length < 100) answer.text += data.toString('latin1').slice(0, 100);
    });
    stream.on('trailers', (fields) => { answer.trailers = {...fields}; });
    if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('end', () => resolve(answer));
    stream.on('error', reject);
    if (body !== undefined) stream.end(body);
  });
}

async function main() {
  const many = await Promise.all(Array.from({length: 200}, (_, i) => ask({':path': '/hello?' + i})));
  const large = await ask({':path': '/large'});
  const upload = await ask({':path': '/count', ':method': 'POST'}, Buffer.alloc(3_000_000, 'x'));
  const chunked = await ask({':path': '/chunked'});
  console.log(JSON.stringify({
    protocol: client.alpnProtocol,
    statuses: [...new Set(many.map((answer) => answer.status))],
    hello: many[199].text,
    large: large.size,
    upload: upload.text,
    trailers: chunked.trailers,
  }));
  client.close();
}
main().catch((error) => {
  console.log(JSON.stringify({error: String(error)}));
  process.exit(1);
});
