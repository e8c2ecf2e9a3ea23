// What Node's own primary writes is the fixture, with our key and sequence numbers.
#include "edge/node_writer.h"

#include <gtest/gtest.h>

#include "edge/node_message.h"
#include "hex.h"

namespace roundhouse::edge {
namespace {

TEST(NodeWriter, TheReplyOfARotation) {
  NodeWriter writer(NodeFormat::kJson);
  EXPECT_EQ(
      writer.rotation_reply(1, "null:8000:4:undefined:0", "",
                            NodeName{.address = "::", .ipv6 = true, .port = 8000}),
      R"({"cmd":"NODE_CLUSTER","errno":null,"key":"null:8000:4:undefined:0","ack":1,"data":null,"sockname":{"address":"::","family":"IPv6","port":8000},"seq":0})"
      "\n");
  EXPECT_EQ(
      writer.rotation_reply(2, "k2", R"({"ticketKeys":"ab"})", std::nullopt),
      R"({"cmd":"NODE_CLUSTER","errno":null,"key":"k2","ack":2,"data":{"ticketKeys":"ab"},"seq":1})"
      "\n");
}

TEST(NodeWriter, TheReplyWithASocketAndTheOneWithAnError) {
  NodeWriter writer(NodeFormat::kJson);
  EXPECT_EQ(
      writer.socket_reply(1, "null:8000:4:undefined:0", "", false),
      R"({"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_CLUSTER","errno":0,"key":"null:8000:4:undefined:0","ack":1,"data":null,"seq":0}})"
      "\n");
  EXPECT_NE(writer.socket_reply(1, "k", "", true).find(R"("type":"dgram.Native")"),
            std::string::npos);
  EXPECT_EQ(writer.error_reply(5, "", "", 98),
            R"({"cmd":"NODE_CLUSTER","errno":-98,"key":"","ack":5,"data":null,"seq":2})"
            "\n");
}

TEST(NodeWriter, AConnectionAndTheEnd) {
  NodeWriter writer(NodeFormat::kJson);
  EXPECT_EQ(
      writer.connection("null:8000:4:undefined:0", 2),
      R"({"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_CLUSTER","act":"newconn","key":"null:8000:4:undefined:0","seq":2}})"
      "\n");
  EXPECT_EQ(writer.disconnect(), R"({"cmd":"NODE_CLUSTER","act":"disconnect","seq":0})"
                                 "\n");
  EXPECT_EQ(writer.acknowledge(4), R"({"cmd":"NODE_CLUSTER","ack":4,"seq":1})"
                                   "\n");
  EXPECT_EQ(writer.handle_arrived(), "{\"cmd\":\"NODE_HANDLE_ACK\"}\n");
}

TEST(NodeWriter, WhatAWorkerCalledItsSocketIsQuoted) {
  NodeWriter writer(NodeFormat::kJson);
  EXPECT_EQ(writer.all_closed("a\"\\\n"),
            "{\"cmd\":\"NODE_SOCKET_ALL_CLOSED\",\"key\":\"a\\\"\\\\\\u000a\"}\n");
  EXPECT_EQ(writer.count_of_none("4:null:1"),
            "{\"cmd\":\"NODE_SOCKET_COUNT\",\"key\":\"4:null:1\",\"count\":0}\n");
}

TEST(NodeWriter, TheAdvancedFormIsWhatV8Writes) {
  NodeWriter writer(NodeFormat::kAdvanced);
  EXPECT_EQ(writer.handle_arrived(),
            from_hex("0000001b ff0f 6f 2203 636d64 220f 4e4f44455f48414e444c455f41434b 7b01"));
  EXPECT_EQ(writer.disconnect(),
            from_hex("00000030 ff0f 6f 2203 636d64 220c 4e4f44455f434c5553544552 2203 616374 220a "
                     "646973636f6e6e656374 2203 736571 4900 7b03"));
  // 300 is 600 in zigzag: d8 04.
  const std::string connection = writer.connection("k1", 300);
  EXPECT_NE(connection.find(from_hex("2203 736571 49d804 7b04 7b03")), std::string::npos);
}

TEST(NodeWriter, TheAdvancedFormCanBeReadAgain) {
  NodeWriter writer(NodeFormat::kAdvanced);
  const std::string reply =
      writer.rotation_reply(70000, "k1", from_hex("6f 2201 61 5f 7b01"),
                            NodeName{.address = "0.0.0.0", .ipv6 = false, .port = 65535});
  class Numbers final : public NodeMembers {
   public:
    void member(std::string_view name, const NodeValue& value) override {
      if (name == "ack") ack = value.number;
      if (name == "data") data = value.raw;
    }
    std::int64_t ack = 0;
    std::string data;
  } numbers;
  EXPECT_TRUE(read_v8_members(std::string_view(reply).substr(4), numbers));
  EXPECT_EQ(numbers.ack, 70000);
  EXPECT_EQ(numbers.data, from_hex("6f 2201 61 5f 7b01"));
}

}  // namespace
}  // namespace roundhouse::edge
