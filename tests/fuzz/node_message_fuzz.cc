// What a Node worker may write on its channel: the first byte chooses the serialisation, the second
// how the rest is cut into reads. However it is cut, the same messages come of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "edge/node_framing.h"

namespace {

using namespace roundhouse::edge;

class Recorder final : public NodeReceiver {
 public:
  bool on_node_message(const NodeMessage& message) override {
    seen.push_back(std::to_string(static_cast<int>(message.kind)) + " " +
                   std::to_string(message.sequence) + " " + std::to_string(message.ack) + " " +
                   message.key + " " + message.listen.address.value_or("") + " " +
                   message.listen.data);
    return message.kind != NodeMessage::Kind::kMalformed;
  }
  std::vector<std::string> seen;
};

std::vector<std::string> read(std::string_view bytes, NodeFormat format, std::size_t step) {
  Recorder recorder;
  NodeFraming framing(format);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    if (!framing.feed(bytes.substr(at, step), recorder)) break;
    if (framing.kept() > kNodeMessageMax) std::abort();
  }
  return recorder.seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const NodeFormat format = data[0] % 2 == 0 ? NodeFormat::kJson : NodeFormat::kAdvanced;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = read(bytes, format, bytes.size() + 1);
  const auto cut = read(bytes, format, 1 + data[1] % 64);
  if (whole != cut) std::abort();
  return 0;
}
