#include "ipc/private_address.h"

#include <gtest/gtest.h>

#include <cstring>

namespace roundhouse::ipc {
namespace {

TEST(PrivateAddress, IsThePortOfTheRowOrElseAPathInThePoolsFolder) {
  BoardHeader header;
  WorkerRow row;
  std::strcpy(header.sockets, "/run/x");
  EXPECT_EQ(private_address(header, row, "app", 3).to_string(), "unix:/run/x/app/3.sock");
  row.port = 4711;
  EXPECT_EQ(private_address(header, row, "app", 3).to_string(), "127.0.0.1:4711");
}

}  // namespace
}  // namespace roundhouse::ipc
