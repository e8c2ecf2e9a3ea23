// A TCP service that is not HTTP: every worker sends back what it gets. ./echo_cluster [ADDRESS]
#include <roundhouse/cluster.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <map>

namespace cluster = roundhouse::cluster;

struct Client {
  cluster::Connection connection;
  cluster::Watch watch;
};
std::map<int, Client> clients;

void echo(int fd) {
  std::array<char, 4096> bytes;
  const ssize_t size = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  const bool sent =
      size > 0 && send(fd, bytes.data(), static_cast<size_t>(size), MSG_NOSIGNAL) == size;
  if (!sent && (size >= 0 || errno != EAGAIN)) clients.erase(fd);
}

int main(int argc, char** argv) {
  if (cluster::is_primary()) {
    for (unsigned i = 0; i < cluster::cpu_count(); i++) cluster::fork();
    return cluster::run();
  }
  auto server =
      cluster::listen(argc > 1 ? argv[1] : "127.0.0.1:7000", [](cluster::Connection connection) {
        const int fd = connection.fd();
        clients.emplace(fd, Client{std::move(connection), cluster::Watch(fd, [fd] { echo(fd); })});
      });
  if (!server) std::puts(server.error().message.c_str());
  cluster::on_draining([] { clients.clear(); });
  return cluster::run();
}
