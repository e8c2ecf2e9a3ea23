#include "ipc/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace roundhouse::ipc {
namespace {

class ChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pair = Channel::create_pair();
    ASSERT_TRUE(pair) << pair.error().message;
    edge_ = std::move(pair->first);
    worker_ = std::move(pair->second);
  }

  Sent send_connections(std::uint32_t count, std::uint64_t sequence) {
    ConnectionsMessage message{};
    message.header = {MessageType::kConnections,
                      static_cast<std::uint32_t>(connections_message_size(count)), sequence};
    message.count = count;
    int pipes[2];
    EXPECT_EQ(::pipe(pipes), 0);
    const UniqueFd reader(pipes[0]);
    const UniqueFd writer(pipes[1]);
    const std::vector<int> descriptors(count, reader.get());
    return edge_.send(std::as_bytes(std::span(&message, 1)).first(message.header.size),
                      descriptors);
  }

  Channel edge_;
  Channel worker_;
  Message message_;
};

TEST_F(ChannelTest, CarriesConnectionsWithTheirDescriptors) {
  ASSERT_EQ(send_connections(3, 7), Sent::kYes);
  ASSERT_EQ(worker_.receive(message_), Received::kMessage);
  EXPECT_EQ(message_.sequence(), 7u);
  EXPECT_EQ(message_.connections().size(), 3u);
  EXPECT_EQ(message_.descriptors().size(), 3u);
  EXPECT_EQ(worker_.receive(message_), Received::kNothing);
}

TEST_F(ChannelTest, WhatIsUnreadCanBeTakenBackOnADuplicateOfTheOtherEnd) {
  Channel duplicate(UniqueFd(::dup(worker_.fd())));
  ASSERT_EQ(send_connections(1, 1), Sent::kYes);
  ASSERT_EQ(send_connections(1, 2), Sent::kYes);
  ASSERT_EQ(worker_.receive(message_), Received::kMessage);
  ASSERT_EQ(duplicate.receive(message_), Received::kMessage);
  EXPECT_EQ(message_.sequence(), 2u);
  EXPECT_EQ(worker_.receive(message_), Received::kNothing) << "delivered once only";
}

TEST_F(ChannelTest, AFullChannelSaysSoAndNeverBlocks) {
  Sent sent = Sent::kYes;
  int messages = 0;
  while (sent == Sent::kYes && messages < 10'000) {
    sent = send_connections(1, static_cast<std::uint64_t>(++messages));
  }
  EXPECT_EQ(sent, Sent::kFull);
}

TEST_F(ChannelTest, DeathOfThePeerIsClosed) {
  worker_.close();
  EXPECT_EQ(edge_.receive(message_), Received::kClosed);
  EXPECT_EQ(send_connections(1, 1), Sent::kClosed);
}

TEST_F(ChannelTest, AShortOrMislabelledMessageIsMalformed) {
  ASSERT_EQ(::send(edge_.fd(), "abc", 3, 0), 3);
  EXPECT_EQ(worker_.receive(message_), Received::kMalformed);
  NoticeMessage notice{.header = {MessageType::kReady, 999, 0}};
  ASSERT_EQ(edge_.send(std::as_bytes(std::span(&notice, 1))), Sent::kYes);
  EXPECT_EQ(worker_.receive(message_), Received::kMalformed);
  const std::string big(kMaxMessageSize + 1, 'x');
  ASSERT_EQ(::send(edge_.fd(), big.data(), big.size(), 0), static_cast<ssize_t>(big.size()));
  EXPECT_EQ(worker_.receive(message_), Received::kMalformed);
}

TEST_F(ChannelTest, ACountThatDoesNotMatchTheDescriptorsIsNoConnection) {
  ConnectionsMessage message{};
  message.header = {MessageType::kConnections,
                    static_cast<std::uint32_t>(connections_message_size(2)), 1};
  message.count = 2;
  ASSERT_EQ(edge_.send(std::as_bytes(std::span(&message, 1)).first(message.header.size)),
            Sent::kYes);
  ASSERT_EQ(worker_.receive(message_), Received::kMessage);
  EXPECT_TRUE(message_.connections().empty());
}

TEST(Peer, SurvivesTheMessage) {
  for (const char* text : {"127.0.0.1:80", "[2001:db8::1]:443"}) {
    ConnectionInfo info{};
    set_peer(info, *Address::parse(text));
    EXPECT_EQ(peer_of(info).to_string(), text);
  }
}

TEST_F(ChannelTest, APacketOfAnyFormArrivesWithItsFirstDescriptor) {
  const std::string text(50'000, 't');
  int pipes[2];
  ASSERT_EQ(::pipe(pipes), 0);
  const UniqueFd reader(pipes[0]);
  const UniqueFd writer(pipes[1]);
  const int descriptors[] = {writer.get(), reader.get()};
  ASSERT_EQ(edge_.send(std::as_bytes(std::span(text)), descriptors), Sent::kYes);
  std::vector<std::byte> buffer(65'536);
  Packet packet;
  ASSERT_EQ(worker_.receive(buffer, packet), Received::kMessage);
  EXPECT_EQ(packet.size, text.size());
  ASSERT_TRUE(packet.descriptor);
  EXPECT_EQ(::write(packet.descriptor.get(), "x", 1), 1);
  EXPECT_EQ(worker_.receive(buffer, packet), Received::kNothing);
  EXPECT_FALSE(packet.descriptor);
}

TEST_F(ChannelTest, APacketThatIsLongerThanTheBufferIsMalformed) {
  const std::string text(100, 't');
  ASSERT_EQ(edge_.send(std::as_bytes(std::span(text))), Sent::kYes);
  std::vector<std::byte> buffer(99);
  Packet packet;
  EXPECT_EQ(worker_.receive(buffer, packet), Received::kMalformed);
  edge_.close();
  EXPECT_EQ(worker_.receive(buffer, packet), Received::kClosed);
}

}  // namespace
}  // namespace roundhouse::ipc
