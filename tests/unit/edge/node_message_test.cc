// The fixtures are what Node's own workers write, byte for byte.
#include "edge/node_message.h"

#include <gtest/gtest.h>

#include "hex.h"

namespace roundhouse::edge {
namespace {

using Kind = NodeMessage::Kind;
using Type = NodeListen::Type;

NodeMessage json(std::string_view text) { return parse_node_message(text, NodeFormat::kJson); }
NodeMessage advanced(std::string_view hex) {
  return parse_node_message(from_hex(hex), NodeFormat::kAdvanced);
}

TEST(NodeMessage, OnlineIsKnown) {
  EXPECT_EQ(json(R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})").kind, Kind::kOnline);
}

TEST(NodeMessage, AQueryForAPort) {
  const NodeMessage message = json(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":8000,"addressType":4,"backlog":0,"seq":1})");
  EXPECT_EQ(message.kind, Kind::kQueryServer);
  EXPECT_EQ(message.sequence, 1);
  EXPECT_EQ(message.listen.type, Type::kTcp4);
  EXPECT_EQ(message.listen.port, 8000);
  EXPECT_FALSE(message.listen.address);
  EXPECT_EQ(message.listen.fd, -1);
  EXPECT_EQ(message.listen.data, "");
}

TEST(NodeMessage, AQueryForIpv6AloneOfNode22) {
  const NodeMessage message = json(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":2,"data":{"ticketKeys":"00ff"},"address":"::1","port":8003,"addressType":6,"flags":1,"backlog":0,"seq":4})");
  EXPECT_EQ(message.listen.type, Type::kTcp6);
  EXPECT_EQ(message.listen.address, "::1");
  EXPECT_EQ(message.listen.flags, 1u);
  EXPECT_EQ(message.listen.index, 2);
  EXPECT_EQ(message.listen.data, R"({"ticketKeys":"00ff"})");
}

TEST(NodeMessage, AQueryForAUnixPath) {
  const NodeMessage message = json(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"/run/a\"b\u00e9.sock","port":-1,"addressType":-1,"backlog":0,"readableAll":true,"writableAll":false,"seq":1})");
  EXPECT_EQ(message.listen.type, Type::kUnix);
  EXPECT_EQ(message.listen.address, "/run/a\"b\xc3\xa9.sock");
  EXPECT_TRUE(message.listen.readable_all);
  EXPECT_FALSE(message.listen.writable_all);
}

TEST(NodeMessage, AQueryForADescriptorAndForADatagramSocket) {
  const NodeMessage descriptor = json(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":null,"addressType":null,"fd":3,"backlog":0,"seq":1})");
  EXPECT_EQ(descriptor.listen.type, Type::kDescriptor);
  EXPECT_EQ(descriptor.listen.fd, 3);
  const NodeMessage datagram = json(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1","port":"8007","addressType":"udp4","fd":-1,"flags":4,"backlog":false,"seq":1})");
  EXPECT_EQ(datagram.listen.type, Type::kUdp4);
  EXPECT_EQ(datagram.listen.port, 8007) << "given as text";
}

TEST(NodeMessage, AnswersAndAcknowledgements) {
  const NodeMessage taken = json(R"({"cmd":"NODE_CLUSTER","ack":2,"accepted":true,"seq":3})");
  EXPECT_EQ(taken.kind, Kind::kAnswer);
  EXPECT_EQ(taken.ack, 2);
  EXPECT_TRUE(taken.accepted);
  EXPECT_FALSE(json(R"({"cmd":"NODE_CLUSTER","ack":2,"accepted":false,"seq":3})").accepted);
  EXPECT_EQ(json(R"({"cmd":"NODE_HANDLE_ACK"})").kind, Kind::kHandleAck);
  EXPECT_EQ(json(R"({"cmd":"NODE_HANDLE_NACK"})").kind, Kind::kHandleNack);
}

TEST(NodeMessage, ClosingAndLeaving) {
  const NodeMessage close =
      json(R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:8000:4:undefined:0","seq":5})");
  EXPECT_EQ(close.kind, Kind::kClose);
  EXPECT_EQ(close.key, "null:8000:4:undefined:0");
  EXPECT_EQ(json(R"({"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":4})").kind,
            Kind::kExitedAfterDisconnect);
}

TEST(NodeMessage, TheProgramsOwnAreNotRead) {
  for (const char* text :
       {R"({"a":1})", "7", "-1.5", "\"text\"", "[1,2]", "null", "true", R"({"cmd":"NODE","x":1})",
        R"({"cmd":7})", R"({"act":"online","cmd":"NODE_CLUSTER"})"})
    EXPECT_EQ(json(text).kind, Kind::kUser) << text;
}

TEST(NodeMessage, WhatIsUnknownIsIgnored) {
  for (const char* text :
       {R"({"cmd":"NODE_FUTURE","x":[1,{"y":null}]})", R"({"cmd":"NODE_CLUSTER","ack":-1})",
        R"({"cmd":"NODE_CLUSTER","act":"later","seq":1})"})
    EXPECT_EQ(json(text).kind, Kind::kUnknown) << text;
}

TEST(NodeMessage, ASentDescriptorIsKnownWhateverComesWithIt) {
  EXPECT_EQ(
      json(R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":{"a":[1]},"key":"4:null:8000"})").kind,
      Kind::kHandle);
  const NodeMessage closed = json(R"({"cmd":"NODE_SOCKET_NOTIFY_CLOSE","key":"4:null:8000"})");
  EXPECT_EQ(closed.kind, Kind::kSocketClosed);
  EXPECT_EQ(closed.key, "4:null:8000");
}

TEST(NodeMessage, WhatNodeWouldNotWriteIsMalformed) {
  for (const char* text :
       {"", "garbage", "{", "\"", R"({"cmd":"NODE_CLUSTER")", R"({"cmd":"NODE_CLUSTER",})",
        R"({"cmd":"NODE_CLUSTER","act":"online","seq":01})",
        R"({"cmd":"NODE_CLUSTER","act":"online","seq":0}x})",
        R"({"cmd":"NODE_CLUSTER","act":"queryServer","port":1,"addressType":4})",
        R"({"cmd":"NODE_CLUSTER","act":"queryServer","port":{},"addressType":4,"seq":1})",
        R"({"cmd":"NODE_CLUSTER","act":"queryServer","port":1,"addressType":5,"seq":1})",
        R"({"cmd":"NODE_CLUSTER","act":"close","key":"a\x","seq":1})",
        R"({"cmd":"NODE_CLUSTER","ack":1,"accepted":"yes","seq":1})"})
    EXPECT_EQ(json(text).kind, Kind::kMalformed) << text;
}

TEST(NodeMessage, DepthHasALimit) {
  const auto nested = [](int depth) {
    return R"({"cmd":"NODE_FUTURE","x":)" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  EXPECT_EQ(json(nested(kNodeDepthMax)).kind, Kind::kUnknown);
  EXPECT_EQ(json(nested(kNodeDepthMax + 1)).kind, Kind::kMalformed);
}

TEST(NodeMessage, TheAdvancedFormSaysTheSame) {
  EXPECT_EQ(advanced("ff0f 6f 2203 636d64 220c 4e4f44455f434c5553544552 2203 616374 2206 "
                     "6f6e6c696e65 2203 736571 4900 7b03")
                .kind,
            Kind::kOnline);
  EXPECT_EQ(advanced("ff0f 6f 2203 636d64 220f 4e4f44455f48414e444c455f41434b 7b01").kind,
            Kind::kHandleAck);
  const NodeMessage taken = advanced(
      "ff0f 6f 2203 636d64 220c 4e4f44455f434c5553544552 2203 61636b 4902 2208 6163636570746564 54 "
      "2203 736571 4906 7b04");
  EXPECT_EQ(taken.kind, Kind::kAnswer);
  EXPECT_EQ(taken.ack, 1);
  EXPECT_TRUE(taken.accepted);
}

TEST(NodeMessage, TheAdvancedFormHasUndefinedDoublesAndWideText) {
  // {cmd: 'NODE_CLUSTER', act: 'queryServer', data: undefined, address: '/é' as UTF-16, port:
  // 8000.0,
  //  addressType: -1, seq: 3}
  const NodeMessage message = advanced(
      "ff0f 6f 2203 636d64 220c 4e4f44455f434c5553544552 2203 616374 220b 7175657279536572766572 "
      "2204 64617461 5f 2207 61646472657373 00 6304 2f00e900 2204 706f7274 4e 0000000000 40bf40 "
      "220b 6164647265737354797065 4901 2203 736571 4906 7b07");
  EXPECT_EQ(message.kind, Kind::kQueryServer);
  EXPECT_EQ(message.listen.address, "/\xc3\xa9");
  EXPECT_EQ(message.listen.port, 8000);
  EXPECT_EQ(message.listen.type, Type::kUnix);
  EXPECT_EQ(message.listen.data, "");
  EXPECT_EQ(message.sequence, 3);
}

TEST(NodeMessage, TheAdvancedFormIsBoundedToo) {
  EXPECT_EQ(advanced("ff0f 6f 2203 636d64 220c 4e4f44455f434c5553544552 2203 616374 22ff").kind,
            Kind::kMalformed);
  EXPECT_EQ(advanced("ff0f 3b 00").kind, Kind::kUser) << "a Map of the program's";
  EXPECT_EQ(advanced("").kind, Kind::kUser);
}

}  // namespace
}  // namespace roundhouse::edge
