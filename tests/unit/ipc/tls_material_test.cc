#include "ipc/tls_material.h"

#include <gtest/gtest.h>

#include "ipc/shared_memory.h"

namespace roundhouse::ipc {
namespace {

TlsMaterial example() {
  TlsMaterial material;
  material.listeners = {
      {.index = 3, .certificates = {{"cert", "key"}, {"", ""}}, .client_ca = "ca"},
      {.index = 0, .certificates = {{std::string("a\0b", 3), "k"}}, .client_ca = ""}};
  material.upstreams = {
      {.index = 2, .ca = "roots", .certificate = {.cert = "ours", .key = "its key"}},
      {.index = 5, .ca = "", .certificate = {}}};
  material.tickets.current.name.fill(1);
  material.tickets.next.cipher.fill(2);
  material.tickets.previous.mac.fill(3);
  return material;
}

TEST(TlsMaterial, ArrivesAsItWasSealed) {
  const auto sealed = seal(example());
  ASSERT_TRUE(sealed) << sealed.error().message;
  for (int reader = 0; reader < 2; ++reader) {
    const auto opened = open_tls_material(sealed->get());
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(*opened, example());
  }
}

TEST(TlsMaterial, CutAnywhereIsRefused) {
  const std::string whole = *read_sealed_file(seal(example())->get());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = create_sealed_file("cut", whole.substr(0, size));
    EXPECT_FALSE(open_tls_material(cut->get())) << size;
  }
}

TEST(TlsMaterial, OfAnotherVersionIsRefused) {
  std::string text = *read_sealed_file(seal(example())->get());
  ++text[15];
  const auto other = create_sealed_file("other", text);
  const auto opened = open_tls_material(other->get());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "the edge gave certificates in another form");
}

}  // namespace
}  // namespace roundhouse::ipc
