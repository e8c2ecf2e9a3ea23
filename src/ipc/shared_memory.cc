#include "ipc/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace roundhouse::ipc {

Mapping::~Mapping() {
  if (address_ != nullptr) ::munmap(address_, size_);
}

Result<UniqueFd> create_memory(const char* name, std::size_t size) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno("memfd_create", errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0)
    return fail_errno("ftruncate of shared memory", errno);
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return fail_errno("seal shared memory", errno);
  }
  return fd;
}

Result<void> seal_for_readers(int fd) {
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
    return fail_errno("seal shared memory for readers", errno);
  }
  return {};
}

Result<void> seal_seals(int fd) {
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) != 0) return fail_errno("seal shared memory", errno);
  return {};
}

Result<Mapping> map_memory(int fd, std::size_t size, Access access) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno("fstat of shared memory", errno);
  if (static_cast<std::size_t>(status.st_size) < size) {
    return fail("shared memory is smaller than it should be", ExitCode::kSystem);
  }
  const int protection = access == Access::kReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  void* address = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return fail_errno("mmap of shared memory", errno);
  return Mapping(address, size);
}

Result<UniqueFd> create_unsealed_file(const char* name) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno("memfd_create", errno);
  return fd;
}

Result<void> fill_and_seal(int fd, std::string_view content) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0) return fail_errno("write of a memfd", errno);
    done += static_cast<std::size_t>(n);
  }
  constexpr int kAll = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (::fcntl(fd, F_ADD_SEALS, kAll) != 0) return fail_errno("seal a memfd", errno);
  return {};
}

Result<UniqueFd> create_sealed_file(const char* name, std::string_view content) {
  UniqueFd fd = TRY(create_unsealed_file(name));
  TRY_VOID(fill_and_seal(fd.get(), content));
  return fd;
}

Result<std::string> read_sealed_file(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno("fstat of a memfd", errno);
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  // pread: the offset is shared with every other process that has this descriptor.
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t n =
        ::pread(fd, content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (n <= 0) return fail_errno("read of a memfd", n < 0 ? errno : EIO);
    done += static_cast<std::size_t>(n);
  }
  return content;
}

}  // namespace roundhouse::ipc
