// For a moment the edge acts as the user of a worker: what it binds for a program it binds with the
// rights of that program, not with its own.
#pragma once

#include "edge/spawn.h"

namespace roundhouse::edge {

// While it lives. Files are owned by that user, privileged ports are refused. With no identity
// nothing changes, as where the edge was not started as root.
class BorrowedIdentity {
 public:
  explicit BorrowedIdentity(const Identity* identity);
  BorrowedIdentity(const BorrowedIdentity&) = delete;
  BorrowedIdentity& operator=(const BorrowedIdentity&) = delete;
  ~BorrowedIdentity();

  // False: the kernel did not let us. Nothing must be done for the program then.
  explicit operator bool() const { return good_; }

 private:
  bool good_ = true;
  bool borrowed_;
  int dumpable_ = 0;
  gid_t group_ = 0;
  std::vector<gid_t> groups_;
};

}  // namespace roundhouse::edge
