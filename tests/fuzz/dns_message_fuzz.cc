// A name server's answer: whatever it holds, it is read within its bounds and tells the same each
// time.
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "monitor/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<unsigned char> bytes(data, data + size);  // to the byte: what is behind is seen
  const auto ttl = roundhouse::monitor::smallest_ttl(bytes);
  CHECK(ttl == roundhouse::monitor::smallest_ttl(bytes));
  CHECK(!ttl || size > 12);
  return 0;
}
