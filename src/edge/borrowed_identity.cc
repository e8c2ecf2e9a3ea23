#include "edge/borrowed_identity.h"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/check.h"

namespace roundhouse::edge {

BorrowedIdentity::BorrowedIdentity(const Identity* identity)
    : borrowed_(identity != nullptr && ::geteuid() == 0) {
  if (!borrowed_ || identity == nullptr) return;
  dumpable_ = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  group_ = ::getegid();
  const int count = ::getgroups(0, nullptr);
  groups_.resize(static_cast<std::size_t>(count < 0 ? 0 : count));
  good_ = ::getgroups(count, groups_.data()) == count &&
          ::setgroups(identity->groups.size(), identity->groups.data()) == 0 &&
          ::setegid(identity->gid) == 0 && ::seteuid(identity->uid) == 0;
}

BorrowedIdentity::~BorrowedIdentity() {
  if (!borrowed_) return;
  // To go on as somebody else would be worse than to end.
  CHECK(::seteuid(0) == 0 && ::setegid(group_) == 0);
  CHECK(::setgroups(groups_.size(), groups_.data()) == 0 || !good_);
  ::prctl(PR_SET_DUMPABLE, dumpable_, 0, 0, 0);  // which the change of user has cleared
}

}  // namespace roundhouse::edge
