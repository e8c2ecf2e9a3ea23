// Answers GET /N with N bytes and POST with what came.
const http = require('http');
http.createServer((request, response) => {
  if (request.method === 'POST') return request.pipe(response);
  response.end(Buffer.alloc(Number(request.url.slice(1)) || 1024, 'n'));
}).listen(3000);
