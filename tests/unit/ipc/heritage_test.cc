#include "ipc/heritage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace roundhouse::ipc {
namespace {

// Does here what spawn does in the child: the descriptors at their numbers, and the environment.
class Child {
 public:
  explicit Child(const Bequest& bequest) {
    const std::vector<int> descriptors = bequest.descriptors();
    // They are moved out of the way first: a number that one of them will have may be another's.
    std::vector<int> copies;
    for (const int fd : descriptors) copies.push_back(::fcntl(fd, F_DUPFD, 100));
    environment_ = bequest.environment();
    // The numbers of this process may be taken; the variables name others then.
    for (std::string& variable : environment_) {
      const auto equals = variable.find('=');
      if (variable.substr(0, equals).ends_with("_FD")) {
        const auto index =
            static_cast<std::size_t>(std::stoi(variable.substr(equals + 1)) - kFirstDescriptor);
        variable = variable.substr(0, equals + 1) + std::to_string(copies.at(index));
      }
      ::setenv(variable.substr(0, equals).c_str(), variable.substr(variable.find('=') + 1).c_str(),
               1);
    }
  }
  ~Child() {
    for (const std::string& variable : environment_)
      ::unsetenv(variable.substr(0, variable.find('=')).c_str());
  }

 private:
  std::vector<std::string> environment_;
};

// A pipe whose other end tells which one arrived.
struct Mark {
  Mark() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
  ~Mark() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  bool is(const UniqueFd& fd) const {
    char byte = 'x';
    return ::write(fd.get(), &byte, 1) == 1 && ::read(ends[0], &byte, 1) == 1;
  }
  int ends[2];
};

TEST(Heritage, WhatIsGivenArrivesUnderItsName) {
  const Mark channel;
  const Mark configuration;
  const Mark memory;
  const Mark limits;
  Bequest bequest;
  bequest.pool = "app";
  bequest.worker_id = 3;
  bequest.generation = 7;
  bequest.channel = channel.ends[1];
  bequest.configuration = configuration.ends[1];
  bequest.memory = memory.ends[1];
  bequest.limits = limits.ends[1];
  const Child child(bequest);
  ASSERT_TRUE(Heritage::present());
  const auto heritage = Heritage::take();
  ASSERT_TRUE(heritage) << heritage.error().message;
  EXPECT_EQ(heritage->pool, "app");
  EXPECT_EQ(heritage->worker_id, 3U);
  EXPECT_EQ(heritage->generation, 7U);
  EXPECT_TRUE(channel.is(heritage->channel));
  EXPECT_TRUE(configuration.is(heritage->configuration));
  EXPECT_TRUE(memory.is(heritage->memory));
  EXPECT_TRUE(limits.is(heritage->limits));
  EXPECT_FALSE(heritage->endpoints) << "none was given";
  EXPECT_FALSE(heritage->access_log);
  EXPECT_FALSE(Heritage::present()) << "nothing started from here takes them for its own";
}

TEST(Heritage, ANumberThatIsNoDescriptorIsAnError) {
  const Mark mark;
  Bequest bequest;
  bequest.channel = bequest.configuration = bequest.memory = mark.ends[1];
  const Child child(bequest);
  ::setenv("ROUNDHOUSE_LIMITS_FD", "9999", 1);
  const auto heritage = Heritage::take();
  ASSERT_FALSE(heritage);
  EXPECT_EQ(heritage.error().message, "ROUNDHOUSE_LIMITS_FD names no open descriptor");
  ::unsetenv("ROUNDHOUSE_LIMITS_FD");
}

}  // namespace
}  // namespace roundhouse::ipc
