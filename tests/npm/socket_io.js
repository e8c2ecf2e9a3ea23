'use strict';
const server = require('http').createServer();
const io = new (require('socket.io').Server)(server);
io.on('connection', socket => {
  socket.on('who', reply => reply({process: process.pid, transport: socket.conn.transport.name}));
  socket.on('echo', (bytes, reply) => reply(bytes));
});
server.listen(process.env.PORT || 3000);
