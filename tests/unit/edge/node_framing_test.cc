#include "edge/node_framing.h"

#include <gtest/gtest.h>

#include <vector>

#include "edge/node_writer.h"
#include "hex.h"

namespace roundhouse::edge {
namespace {

using Kind = NodeMessage::Kind;

class Kinds final : public NodeReceiver {
 public:
  bool on_node_message(const NodeMessage& message) override {
    kinds.push_back(message.kind);
    return message.kind != Kind::kMalformed;
  }
  std::vector<Kind> kinds;
};

const std::string kLines =
    "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n\"hi\"\n{\"cmd\":\"NODE_HANDLE_ACK\"}"
    "\n";
const std::vector<Kind> kThree = {Kind::kOnline, Kind::kUser, Kind::kHandleAck};

std::string frame(std::string_view bytes) {
  std::string whole;
  for (int shift = 24; shift >= 0; shift -= 8)
    whole += static_cast<char>(bytes.size() >> shift & 0xff);
  return whole.append(bytes);
}

std::string frames() {
  return from_hex(
             "0000002c ff0f 6f 2203 636d64 220c 4e4f44455f434c5553544552 2203 616374 2206 "
             "6f6e6c696e65 2203 736571 4900 7b03") +
         frame(from_hex("ff0f 2202 6869")) +
         from_hex("0000001b ff0f 6f 2203 636d64 220f 4e4f44455f48414e444c455f41434b 7b01");
}

TEST(NodeFraming, ManyMessagesMayComeInOneRead) {
  Kinds lines;
  EXPECT_TRUE(NodeFraming(NodeFormat::kJson).feed(kLines, lines));
  EXPECT_EQ(lines.kinds, kThree);
  Kinds advanced;
  EXPECT_TRUE(NodeFraming(NodeFormat::kAdvanced).feed(frames(), advanced));
  EXPECT_EQ(advanced.kinds, kThree);
}

TEST(NodeFraming, AMessageMayComeInManyReads) {
  for (const NodeFormat format : {NodeFormat::kJson, NodeFormat::kAdvanced}) {
    Kinds kinds;
    NodeFraming framing(format);
    const std::string bytes = format == NodeFormat::kJson ? kLines : frames();
    for (const char& byte : bytes) EXPECT_TRUE(framing.feed({&byte, 1}, kinds));
    EXPECT_EQ(kinds.kinds, kThree);
    EXPECT_EQ(framing.kept(), 0u);
  }
}

TEST(NodeFraming, ALongMessageOfTheProgramIsPassedOverAndNotKept) {
  Kinds kinds;
  NodeFraming framing(NodeFormat::kJson);
  EXPECT_TRUE(framing.feed("{\"much\":\"", kinds));
  const std::string part(100'000, 'x');
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(framing.feed(part, kinds));
    EXPECT_LE(framing.kept(), kNodeMessageMax);
  }
  EXPECT_TRUE(kinds.kinds.empty());
  EXPECT_TRUE(framing.feed("\"}\n" + kLines, kinds));
  EXPECT_EQ(kinds.kinds,
            (std::vector<Kind>{Kind::kUser, Kind::kOnline, Kind::kUser, Kind::kHandleAck}));
}

TEST(NodeFraming, ALongFrameIsPassedOverAndNotKept) {
  Kinds kinds;
  NodeFraming framing(NodeFormat::kAdvanced);
  EXPECT_TRUE(framing.feed(frame("\xff\x0f" + std::string(1'000'000, 'x')) + frames(), kinds));
  EXPECT_EQ(kinds.kinds,
            (std::vector<Kind>{Kind::kUser, Kind::kOnline, Kind::kUser, Kind::kHandleAck}));
  EXPECT_EQ(framing.kept(), 0u);
}

TEST(NodeFraming, ALongMessageWithADescriptorIsKnownByItsBeginning) {
  Kinds kinds;
  EXPECT_TRUE(NodeFraming(NodeFormat::kJson)
                  .feed("{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":\"" +
                            std::string(800'000, 'x') + "\"}\n",
                        kinds));
  EXPECT_EQ(kinds.kinds, std::vector<Kind>{Kind::kHandle});
}

TEST(NodeFraming, NodesOwnMessagesAreNeverLong) {
  Kinds kinds;
  EXPECT_FALSE(
      NodeFraming(NodeFormat::kJson)
          .feed("{\"cmd\":\"NODE_CLUSTER\",\"x\":\"" + std::string(100'000, 'x') + "\"}\n", kinds));
  EXPECT_EQ(kinds.kinds, std::vector<Kind>{Kind::kMalformed});
}

TEST(NodeFraming, AfterAMalformedMessageNothingIsRead) {
  Kinds kinds;
  EXPECT_FALSE(NodeFraming(NodeFormat::kJson).feed("garbage\n" + kLines, kinds));
  EXPECT_EQ(kinds.kinds, std::vector<Kind>{Kind::kMalformed});
}

}  // namespace
}  // namespace roundhouse::edge
