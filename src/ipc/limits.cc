#include "ipc/limits.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include "base/check.h"

namespace roundhouse::ipc {

struct Limits::Header {
  static constexpr std::uint32_t kMagic = 0x52484c31;  // "RHL1"
  static constexpr std::uint32_t kVersion = 1;
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  HashKey hash_key{};
  std::int64_t began_ns = 0;
  alignas(64) RateTable::Cell buckets[RateTable::kSets * RateTable::kWays]{};
};

// Its address table follows it.
struct alignas(64) Limits::Place {
  Gauge listener_active[kMaxListeners]{};
};

namespace {

constexpr std::size_t kIpv6Client = 8;  // bytes: a /64

std::size_t cells_of(const Limits::Shape& shape) {
  return shape.by_address ? AddressTable::cells_for(shape.worker_connections) : 0;
}

}  // namespace

std::size_t Limits::place_size(const Shape& shape) {
  return sizeof(Place) + cells_of(shape) * sizeof(AddressTable::Cell);
}

std::size_t Limits::size_of(const Shape& shape) {
  return sizeof(Header) + shape.places * place_size(shape);
}

// Nothing is written that could stay zero: what nobody uses is not resident.
Result<Limits> Limits::create(const Shape& shape, Time now) {
  Limits limits;
  limits.shape_ = shape;
  const std::size_t size = size_of(shape);
  limits.fd_ = TRY(create_memory("roundhouse-limits", size));
  limits.mapping_ = TRY(map_memory(limits.fd_.get(), size, Access::kReadWrite));
  auto& header = *static_cast<Header*>(limits.mapping_.address());
  header.magic = Header::kMagic;
  header.version = Header::kVersion;
  header.began_ns = nanoseconds(now);
  if (::getrandom(&header.hash_key, sizeof header.hash_key, 0) != sizeof header.hash_key)
    return fail_errno("getrandom", errno);
  TRY_VOID(seal_seals(limits.fd_.get()));
  limits.hash_key_ = header.hash_key;
  limits.began_ = now;
  return limits;
}

Result<Limits> Limits::open(UniqueFd fd, const Shape& shape) {
  Limits limits;
  limits.fd_ = std::move(fd);
  limits.shape_ = shape;
  const std::size_t size = size_of(shape);
  limits.mapping_ = TRY(map_memory(limits.fd_.get(), size, Access::kReadWrite));
  const Header& header = limits.header();
  if (header.magic != Header::kMagic || header.version != Header::kVersion)
    return fail("shared memory of another kind or version", ExitCode::kSystem);
  limits.hash_key_ = header.hash_key;
  limits.began_ = time_from_nanoseconds(header.began_ns);
  return limits;
}

Limits::Header& Limits::header() const { return *static_cast<Header*>(mapping_.address()); }

Limits::Place& Limits::place(std::size_t index) const {
  CHECK(index < shape_.places);
  auto* const first = static_cast<std::byte*>(mapping_.address()) + sizeof(Header);
  return *std::launder(reinterpret_cast<Place*>(first + index * place_size(shape_)));
}

void Limits::clear(std::size_t index) {
  for (Gauge& active : place(index).listener_active) active.store(0, std::memory_order_relaxed);
  if (shape_.by_address) addresses(index).clear();
}

std::uint64_t Limits::key(std::uint32_t scope, const Address& client) const {
  std::array<std::uint8_t, sizeof scope + kIpv6Client> bytes;
  for (std::size_t i = 0; i < sizeof scope; ++i)
    bytes[i] = static_cast<std::uint8_t>(scope >> (8 * i));
  const auto host = client.host_bytes();
  const std::size_t size = std::min(host.size(), kIpv6Client);
  std::ranges::copy(host.first(size), bytes.begin() + sizeof scope);
  return keyed_hash(hash_key_, std::span(bytes).first(sizeof scope + size));
}

Verdict Limits::take_token(std::uint64_t key, const Pace& pace, Time now) {
  return RateTable(header().buckets).take(key, pace, std::max(now - began_, Duration::zero()));
}

AddressTable Limits::addresses(std::size_t index) const {
  CHECK(shape_.by_address);
  Place& owner = place(index);
  auto* const cells = std::launder(reinterpret_cast<AddressTable::Cell*>(&owner + 1));
  return AddressTable({cells, cells_of(shape_)});
}

std::uint64_t Limits::connections_of(std::uint64_t key) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < shape_.places; ++i) sum += addresses(i).count(key);
  return sum;
}

Gauge& Limits::listener_active(std::size_t index, std::uint32_t listener) const {
  CHECK(listener < kMaxListeners);
  return place(index).listener_active[listener];
}

std::uint64_t Limits::listener_connections(std::uint32_t listener) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < shape_.places; ++i) {
    const std::uint32_t claimed = listener_active(i, listener).load(std::memory_order_relaxed);
    sum += std::min(claimed, shape_.worker_connections);
  }
  return sum;
}

}  // namespace roundhouse::ipc
