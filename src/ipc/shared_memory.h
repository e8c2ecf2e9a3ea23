// Memory shared between processes: a sealed memfd holding one trivially-destructible struct of
// fixed size.
#pragma once

#include <cstddef>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"

namespace roundhouse::ipc {

// A mapping; unmapped when destroyed. The descriptor is not needed to keep it.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* address, std::size_t size) : address_(address), size_(size) {}
  Mapping(Mapping&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Mapping();

  void* address() const { return address_; }
  std::size_t size() const { return size_; }

 private:
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

enum class Access { kReadWrite, kReadOnly };

// A zeroed memfd of `size` bytes that can neither shrink nor grow (so a mapping never faults).
// CLOEXEC.
Result<UniqueFd> create_memory(const char* name, std::size_t size);
// From now on only mappings that exist may write: every later one is read-only.
Result<void> seal_for_readers(int fd);
// Nobody who is given it can seal it against the next one.
Result<void> seal_seals(int fd);
// Fails if the memfd has fewer than `size` bytes.
Result<Mapping> map_memory(int fd, std::size_t size, Access access);

// A memfd with `content`, sealed against every change: how a configuration crosses an exec.
// CLOEXEC.
Result<UniqueFd> create_sealed_file(const char* name, std::string_view content);
// The same in two steps, which two processes may take.
Result<UniqueFd> create_unsealed_file(const char* name);
Result<void> fill_and_seal(int fd, std::string_view content);
Result<std::string> read_sealed_file(int fd);

// One `T` in shared memory. T has a `magic` and a `version` as its first members, checked by
// open().
template <typename T>
class Shared {
 public:
  static_assert(std::is_standard_layout_v<T> && std::is_trivially_destructible_v<T>);
  Shared() = default;

  static Result<Shared> create(const char* name) {
    Shared shared;
    shared.fd_ = TRY(create_memory(name, sizeof(T)));
    shared.mapping_ = TRY(map_memory(shared.fd_.get(), sizeof(T), Access::kReadWrite));
    // Memory that nobody has touched is zero and takes no room, and zero is how everything else in
    // a T begins.
    shared->magic = T::kMagic;
    shared->version = T::kVersion;
    TRY_VOID(seal_seals(shared.fd_.get()));
    return shared;
  }
  // Takes the descriptor.
  static Result<Shared> open(UniqueFd fd, Access access) {
    Shared shared;
    shared.fd_ = std::move(fd);
    shared.mapping_ = TRY(map_memory(shared.fd_.get(), sizeof(T), access));
    if (shared->magic != T::kMagic || shared->version != T::kVersion) {
      return fail("shared memory of another kind or version", ExitCode::kSystem);
    }
    return shared;
  }

  T* operator->() const { return static_cast<T*>(mapping_.address()); }
  T& operator*() const { return *static_cast<T*>(mapping_.address()); }
  explicit operator bool() const { return mapping_.address() != nullptr; }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  Mapping mapping_;
};

}  // namespace roundhouse::ipc
