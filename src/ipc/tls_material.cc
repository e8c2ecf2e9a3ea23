#include "ipc/tls_material.h"

#include <cstring>
#include <optional>
#include <string_view>

#include "ipc/shared_memory.h"

namespace roundhouse::ipc {
namespace {

constexpr std::string_view kMagic = "roundhouse-tls\n";

void wipe(std::string& text) { ::explicit_bzero(text.data(), text.size()); }

void put(std::string& out, std::uint32_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
void put(std::string& out, std::string_view bytes) {
  put(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

// What is not there any more is nothing, and `short_` says so.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  std::string_view bytes(std::size_t count) {
    if (rest_.size() < count) short_ = true;
    const std::string_view part = rest_.substr(0, short_ ? 0 : count);
    rest_.remove_prefix(part.size());
    return part;
  }
  std::uint32_t number() {
    std::uint32_t value = 0;
    const std::string_view part = bytes(sizeof value);
    std::memcpy(&value, part.data(), part.size());
    return value;
  }
  std::string text() { return std::string(bytes(number())); }
  bool good() const { return !short_; }

 private:
  std::string_view rest_;
  bool short_ = false;
};

std::optional<TlsMaterial> parse(std::string_view text) {
  Reader reader(text);
  TlsMaterial material;
  if (reader.bytes(kMagic.size()) != kMagic || reader.number() != TlsMaterial::kVersion)
    return std::nullopt;
  const std::string_view tickets = reader.bytes(sizeof material.tickets);
  if (reader.good()) std::memcpy(&material.tickets, tickets.data(), sizeof material.tickets);
  for (std::uint32_t left = reader.number(); left > 0 && reader.good(); --left) {
    TlsMaterial::Listener& listener = material.listeners.emplace_back();
    listener.index = reader.number();
    listener.client_ca = reader.text();
    for (std::uint32_t pairs = reader.number(); pairs > 0 && reader.good(); --pairs) {
      TlsMaterial::Certificate& certificate = listener.certificates.emplace_back();
      certificate.cert = reader.text();
      certificate.key = reader.text();
    }
  }
  for (std::uint32_t left = reader.number(); left > 0 && reader.good(); --left) {
    TlsMaterial::Upstream& upstream = material.upstreams.emplace_back();
    upstream.index = reader.number();
    upstream.ca = reader.text();
    upstream.certificate.cert = reader.text();
    upstream.certificate.key = reader.text();
  }
  if (!reader.good()) return std::nullopt;
  return material;
}

}  // namespace

TlsMaterial::~TlsMaterial() {
  ::explicit_bzero(&tickets, sizeof tickets);
  for (Listener& listener : listeners)
    for (Certificate& certificate : listener.certificates) wipe(certificate.key);
  for (Upstream& upstream : upstreams) wipe(upstream.certificate.key);
}

Result<UniqueFd> seal(const TlsMaterial& material) {
  UniqueFd fd = TRY(create_unsealed_file("roundhouse-tls"));
  TRY_VOID(seal_into(fd.get(), material));
  return fd;
}

Result<void> seal_into(int fd, const TlsMaterial& material) {
  std::size_t size = kMagic.size() + sizeof material.tickets + 64;
  for (const TlsMaterial::Listener& listener : material.listeners) {
    size += listener.client_ca.size() + 64;
    for (const TlsMaterial::Certificate& one : listener.certificates)
      size += one.cert.size() + one.key.size() + 64;
  }
  for (const TlsMaterial::Upstream& upstream : material.upstreams)
    size += upstream.ca.size() + upstream.certificate.cert.size() +
            upstream.certificate.key.size() + 64;
  std::string text;
  text.reserve(size);  // it never moves, and so leaves no copy
  text += kMagic;
  put(text, TlsMaterial::kVersion);
  text.append(reinterpret_cast<const char*>(&material.tickets), sizeof material.tickets);
  put(text, static_cast<std::uint32_t>(material.listeners.size()));
  for (const TlsMaterial::Listener& listener : material.listeners) {
    put(text, listener.index);
    put(text, listener.client_ca);
    put(text, static_cast<std::uint32_t>(listener.certificates.size()));
    for (const TlsMaterial::Certificate& certificate : listener.certificates) {
      put(text, certificate.cert);
      put(text, certificate.key);
    }
  }
  put(text, static_cast<std::uint32_t>(material.upstreams.size()));
  for (const TlsMaterial::Upstream& upstream : material.upstreams) {
    put(text, upstream.index);
    put(text, upstream.ca);
    put(text, upstream.certificate.cert);
    put(text, upstream.certificate.key);
  }
  auto filled = fill_and_seal(fd, text);
  wipe(text);
  return filled;
}

Result<TlsMaterial> open_tls_material(int fd) {
  std::string text = TRY(read_sealed_file(fd));
  auto material = parse(text);
  wipe(text);
  if (!material) return fail("the edge gave certificates in another form", ExitCode::kSystem);
  return *std::move(material);
}

}  // namespace roundhouse::ipc
