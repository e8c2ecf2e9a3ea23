// What a connection begins with where a header of the PROXY protocol is due: what it is, is decided
// within its bounds, once and for all, and by the header's own bytes alone.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "net/proxy_header.h"

using roundhouse::ProxyHeader;
using Status = ProxyHeader::Status;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = roundhouse::read_proxy_header(bytes);
  if (size >= roundhouse::kProxyHeaderMax) CHECK(whole.status != Status::kMore);
  if (whole.status == Status::kDone) {
    CHECK(whole.size > 0 && whole.size <= size && whole.size <= roundhouse::kProxyHeaderMax);
    const ProxyHeader alone = roundhouse::read_proxy_header(bytes.substr(0, whole.size));
    CHECK(alone.status == Status::kDone && alone.size == whole.size);
    CHECK(alone.source == whole.source);
    CHECK(!whole.source || whole.source->host_bytes().size() >= 4);
  }
  // Of fewer bytes no other opinion is held, only none yet; a failure may show early.
  for (std::size_t part = 0; part < size && part < 300; ++part) {
    const Status status = roundhouse::read_proxy_header(bytes.substr(0, part)).status;
    if (status == Status::kMalformed) CHECK(whole.status == Status::kMalformed);
    if (status == Status::kDone) CHECK(whole.status == Status::kDone && whole.size <= part);
  }
  return 0;
}
