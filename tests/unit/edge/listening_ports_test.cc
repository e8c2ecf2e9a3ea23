#include "edge/listening_ports.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "net/listener.h"

namespace roundhouse::edge {
namespace {

ListeningSocket listen_somewhere() {
  return listen_on(Address::loopback(0), {.backlog = 8}).value();
}

// A process that has done what `prepare` does, and lives until the object goes, as what it has
// forked does.
class Family {
 public:
  explicit Family(const std::function<void()>& prepare) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      prepare();
      EXPECT_EQ(::write(ready[1], "x", 1), 1);
      for (;;) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Family() {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(ListeningPorts, OfAProcessAndOfWhatItHasForkedAreFoundAndNoOthers) {
  const ListeningSocket ours = listen_somewhere();
  ListeningSocket parents = listen_somewhere();
  ListeningSocket childs = listen_somewhere();
  const auto colon = [](const ListeningSocket& socket) {
    return ":" + std::to_string(socket.address.port());
  };
  const Family family([&] {
    ::close(ours.fd.get());
    if (::fork() == 0) {
      parents.fd.reset();
      for (;;) ::pause();
    }
    childs.fd.reset();
  });
  parents.fd.reset();
  childs.fd.reset();
  const std::string ports = ports_of(family.pid());
  EXPECT_NE(ports.find(colon(parents)), std::string::npos) << ports;
  EXPECT_NE(ports.find(colon(childs)), std::string::npos) << ports;
  EXPECT_EQ(ports.find(colon(ours)), std::string::npos) << ports;
}

TEST(ListeningPorts, OfAProcessWithoutSocketsOrThatIsGoneAreNone) {
  pid_t pid = 0;
  {
    const Family family([] {});
    pid = family.pid();
  }
  EXPECT_EQ(ports_of(pid), "");
  const Family none([] {});
  EXPECT_EQ(ports_of(none.pid()), "");
}

}  // namespace
}  // namespace roundhouse::edge
