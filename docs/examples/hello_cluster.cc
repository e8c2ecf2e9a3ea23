// Node's first cluster example in C++: a worker for each CPU, all of them behind port 8000.
#include <roundhouse/cluster.h>
#include <roundhouse/http.h>
#include <unistd.h>

#include <iostream>

namespace cluster = roundhouse::cluster;

int main() {
  if (cluster::is_primary()) {
    // Fork workers.
    for (unsigned i = 0; i < cluster::cpu_count(); i++) cluster::fork();

    cluster::on_exit([](cluster::Worker worker, int /*code*/, int /*signal*/) {
      std::cout << "worker " << worker.pid() << " died" << std::endl;
    });
    cluster::on_online([](cluster::Worker worker) {
      std::cout << "Primary: " << getpid() << ", worker " << worker.pid() << " is online"
                << std::endl;
    });
  } else {
    // Workers can share any TCP connection. In this case it is an HTTP server.
    auto server = cluster::http::create_server(
        [](auto& /*request*/, auto response) { response.end("hello world\n"); });
    if (auto listening = server.listen(8000); !listening) {
      std::cout << listening.error().message << std::endl;
      return 1;
    }
    std::cout << "Child cluster " << cluster::worker().id() << std::endl;
  }
  return cluster::run();
}
