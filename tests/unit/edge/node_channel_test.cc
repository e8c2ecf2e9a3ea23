#include "edge/node_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "edge/node_writer.h"

namespace roundhouse::edge {
namespace {

using Sequences = std::vector<std::uint64_t>;

class NodeChannelTest : public testing::Test {
 protected:
  NodeChannelTest() {
    EXPECT_TRUE(channel_.open());
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    reading_.reset(ends[0]);
    writing_.reset(ends[1]);
  }
  void post_connection(std::uint64_t sequence) {
    channel_.post_connection(writer_.connection("k1", sequence), writing_.get(), sequence);
  }
  // What the worker reads, at most so much. Its descriptors are closed.
  std::string worker_reads(std::size_t most = 100'000) {
    std::string buffer(most, '\0');
    const auto received = ipc::receive_bytes(channel_.workers_end(), buffer);
    return buffer.substr(0, received.size);
  }
  std::string worker_reads_all() {
    std::string all;
    for (std::string part = worker_reads(); !part.empty(); part = worker_reads()) all += part;
    return all;
  }

  NodeWriter writer_{NodeFormat::kJson};
  NodeChannel channel_;
  UniqueFd reading_;
  UniqueFd writing_;
};

TEST_F(NodeChannelTest, WhatIsPostedArrivesInOrder) {
  channel_.post("one\n");
  post_connection(1);
  channel_.post("two\n");
  EXPECT_EQ(channel_.flush(), ipc::Sent::kYes);
  EXPECT_EQ(worker_reads_all(), "one\n" + writer_.connection("k1", 1) + "two\n");
  EXPECT_TRUE(channel_.all_read());
}

TEST_F(NodeChannelTest, WhatWasReadIsForgottenThoughNoConnectionIsAnswered) {
  channel_.post("with a descriptor\n", std::move(writing_));
  for (int i = 0; i < 1000; ++i) {
    channel_.post("one more\n");
    ASSERT_EQ(channel_.flush(), ipc::Sent::kYes);
    worker_reads_all();
  }
  char byte = 0;
  EXPECT_EQ(::read(reading_.get(), &byte, 1), 0) << "nobody holds the other end";
}

TEST_F(NodeChannelTest, WhatIsUnreadIsNotForgotten) {
  Sequences all;
  for (std::uint64_t sequence = 1; sequence <= 200; ++sequence) {
    post_connection(sequence);
    ASSERT_EQ(channel_.flush(), ipc::Sent::kYes);
    all.push_back(sequence);
  }
  EXPECT_EQ(channel_.recall(), all);
}

TEST_F(NodeChannelTest, AConnectionThatWasNotReadComesBackAndTheRestIsSentAgain) {
  channel_.post("one\n");
  post_connection(1);
  channel_.post("two\n");
  post_connection(2);
  channel_.flush();
  EXPECT_EQ(channel_.recall(), (Sequences{1, 2}));
  EXPECT_EQ(worker_reads_all(), "one\ntwo\n");
  EXPECT_EQ(channel_.recall(), Sequences{});
}

TEST_F(NodeChannelTest, AConnectionThatWasReadStaysWithTheWorker) {
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) post_connection(sequence);
  channel_.flush();
  EXPECT_EQ(worker_reads(), writer_.connection("k1", 1)) << "one read, one descriptor";
  EXPECT_EQ(channel_.recall(), (Sequences{2, 3}));
  EXPECT_EQ(worker_reads_all(), "");
}

TEST_F(NodeChannelTest, AConnectionOfWhichOneByteWasReadStaysWithTheWorker) {
  post_connection(1);
  post_connection(2);
  channel_.flush();
  const std::string begun = worker_reads(1);
  EXPECT_EQ(channel_.recall(), Sequences{2});
  EXPECT_EQ(begun + worker_reads_all(), writer_.connection("k1", 1));
}

TEST_F(NodeChannelTest, WhatWasNeverSentComesBackBehindTheRest) {
  post_connection(1);
  channel_.flush();
  post_connection(2);
  EXPECT_EQ(channel_.recall(), (Sequences{1, 2}));
  EXPECT_EQ(worker_reads_all(), "");
  EXPECT_EQ(channel_.unsent(), 0u);
}

TEST_F(NodeChannelTest, ASocketThatIsSentAgainTravelsAgain) {
  channel_.post(writer_.socket_reply(1, "k1", "", false), std::move(reading_));
  channel_.flush();
  EXPECT_EQ(channel_.recall(), Sequences{});
  std::array<char, 1000> buffer;
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ASSERT_GT(::recvmsg(channel_.workers_end(), &header, MSG_CMSG_CLOEXEC), 0);
  ASSERT_NE(CMSG_FIRSTHDR(&header), nullptr);
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof fd);
  EXPECT_GE(fd, 0);
  ::close(fd);
  EXPECT_EQ(channel_.next_acknowledged(), 0u);
  EXPECT_EQ(channel_.next_acknowledged(), std::nullopt) << "it was read once";
}

TEST_F(NodeChannelTest, AcknowledgementsComeInTheOrderOfDescriptors) {
  post_connection(5);
  channel_.post("plain\n");
  post_connection(6);
  post_connection(7);
  channel_.flush();
  EXPECT_EQ(channel_.next_acknowledged(), 5u);
  worker_reads();
  worker_reads();
  EXPECT_EQ(channel_.recall(), Sequences{7});
  EXPECT_EQ(channel_.next_acknowledged(), 6u);
  EXPECT_EQ(channel_.next_acknowledged(), std::nullopt);
}

TEST_F(NodeChannelTest, AFullChannelKeepsWhatItCannotSend) {
  std::uint64_t posted = 0;
  while (!channel_.is_full() && posted < 100'000) {
    post_connection(++posted);
    channel_.flush();
  }
  ASSERT_TRUE(channel_.is_full());
  EXPECT_EQ(channel_.last_sent(), posted - 1);
  EXPECT_GT(channel_.unsent(), 0u);
  for (std::uint64_t read = 0; read < posted - 1; ++read) worker_reads();
  EXPECT_EQ(channel_.flush(), ipc::Sent::kYes);
  EXPECT_EQ(worker_reads_all(), writer_.connection("k1", posted));
}

TEST_F(NodeChannelTest, ALongMessageIsSentInParts) {
  const std::string much(3'000'000, 'x');
  channel_.post(much);
  channel_.post("end");
  std::string read;
  while (read.size() < much.size() + 3) {
    channel_.flush();
    const std::string part = worker_reads_all();
    ASSERT_FALSE(part.empty());
    read += part;
  }
  EXPECT_EQ(read, much + "end");
}

}  // namespace
}  // namespace roundhouse::edge
