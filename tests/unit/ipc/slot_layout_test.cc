// What programs in other languages know of the slot (docs/native-protocol.md, docs/examples).
#include <gtest/gtest.h>

#include <cstddef>

#include "ipc/slot.h"

namespace roundhouse::ipc {
namespace {

TEST(SlotLayout, IsTheOneThatClientsInOtherLanguagesWereGiven) {
  EXPECT_EQ(offsetof(Slot, room_wanted), 64U);
  EXPECT_EQ(offsetof(Slot, drain_by_ns), 72U);
  EXPECT_EQ(offsetof(Slot, taken), 128U);
  EXPECT_EQ(offsetof(Slot, heartbeat_ns), 136U);
  EXPECT_EQ(offsetof(Slot, connections_active), 144U);
  EXPECT_EQ(offsetof(Slot, requests_in_flight), 148U);
  EXPECT_EQ(offsetof(Slot, connections_total), 152U);
  EXPECT_EQ(offsetof(Slot, requests_total), 160U);
}

}  // namespace
}  // namespace roundhouse::ipc
