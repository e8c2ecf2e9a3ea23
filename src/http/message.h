// HTTP messages as the parsers leave them: views into the bytes that were received, nothing copied,
// nothing allocated per message.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace roundhouse::http {

enum class Version : std::uint8_t { kHttp10, kHttp11, kHttp2 };

// RFC 9110 9.3 and PATCH. Methods are case-sensitive; any other token is kOther.
enum class Method : std::uint8_t {
  kOther,
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch
};
Method method_of(std::string_view name);

// The fields that frame a message or steer its connection; every other one is kOther.
enum class FieldId : std::uint8_t {
  kOther,
  kConnection,
  kContentLength,
  kExpect,
  kHost,
  kTransferEncoding,
  kUpgrade
};
FieldId field_id_of(std::string_view name);

// "OK" for 200; "Unknown" for a status without a registered phrase.
std::string_view reason_phrase(int status);

bool same_letters(std::string_view a, std::string_view b);  // REQUIRES: of one size
inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && same_letters(a, b);
}

// The members of a comma-separated list (RFC 9110 5.6.1), white space trimmed, empty ones skipped.
// Quoted strings are not known: for lists of tokens only.
//   for (ListReader list(value); auto member = list.next();) ...
class ListReader {
 public:
  explicit ListReader(std::string_view value) : rest_(value) {}
  std::optional<std::string_view> next();

 private:
  std::string_view rest_;
};

struct Field {
  std::string_view name;  // as it was sent; compare with equals_ignoring_case, or by id
  std::string_view value;
  FieldId id = FieldId::kOther;
};

// The fields of one head or trailer section, in the order received. Kept as offsets, so that the
// bytes may move while the section is still coming in. Memory for `capacity` fields is taken at the
// first append and kept until destruction.
class FieldTable {
 public:
  struct Entry {
    std::uint32_t name_begin;
    std::uint32_t name_size;
    std::uint32_t value_begin;
    std::uint32_t value_size;
    FieldId id;
  };

  explicit FieldTable(std::size_t capacity) : capacity_(capacity), limit_(capacity) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == limit_; }
  Field operator[](std::size_t index) const {
    const Entry& entry = entries_[index];
    return {{base_ + entry.name_begin, entry.name_size},
            {base_ + entry.value_begin, entry.value_size},
            entry.id};
  }
  // The first field of that name, if any.
  std::optional<std::string_view> find(std::string_view name) const;

  void clear() { size_ = 0; }
  // Takes fewer than `capacity` from now on.
  void limit(std::size_t fields) { limit_ = std::min(fields, capacity_); }
  // REQUIRES: !full().
  void append(const Entry& entry) {
    if (!entries_) entries_ = std::make_unique_for_overwrite<Entry[]>(capacity_);
    entries_[size_++] = entry;
  }
  template <typename Predicate>
  void remove_if(Predicate predicate) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i)
      if (!predicate((*this)[i])) entries_[kept++] = entries_[i];
    size_ = kept;
  }
  // The section is complete and its offsets count from the first of `bytes`: sets the ids. The
  // bytes must stay there from now on.
  void attach(std::string_view bytes);
  // The bytes have moved.
  void rebase(const char* base) { base_ = base; }

 private:
  std::unique_ptr<Entry[]> entries_;
  std::size_t capacity_;
  std::size_t limit_;
  std::size_t size_ = 0;
  const char* base_ = nullptr;
};

enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

// How long the body is (RFC 9112 6.3).
struct BodyLength {
  Framing framing = Framing::kNone;
  std::uint64_t bytes = 0;  // of kLength; never 0 then
};

// The forms of a request target (RFC 9112 3.2).
enum class TargetForm : std::uint8_t { kOrigin, kAbsolute, kAuthority, kAsterisk };

struct Request {
  explicit Request(std::size_t fields_max) : fields(fields_max) {}

  Method method = Method::kOther;
  Version version = Version::kHttp11;
  TargetForm form = TargetForm::kOrigin;
  bool keep_alive = false;       // what the client wants; the server may still close
  bool expect_continue = false;  // it waits for 100 (Continue) before it sends its body
  BodyLength body;
  std::string_view method_name;
  std::string_view target;     // as received
  std::string_view authority;  // host[:port] of the target if that has one, else of Host; empty in
                               // HTTP/1.0 without
  std::string_view
      path;  // as received, begins with '/'; "*" for OPTIONS of the server; empty for CONNECT
  std::optional<std::string_view> query;  // without '?'; as received
  FieldTable fields;
  std::size_t head_size =
      0;  // bytes of the head, up to and with its empty line: where the body begins
};

struct Response {
  explicit Response(std::size_t fields_max) : fields(fields_max) {}

  int status = 0;  // 100-599; below 200 another head follows, except after 101
  Version version = Version::kHttp11;
  bool keep_alive = false;  // the connection may serve another request after the body
  BodyLength body;
  std::string_view reason;
  FieldTable fields;
  std::size_t head_size = 0;
};

// Limits of one head. A head that is exactly at a limit is taken.
struct HeadLimits {
  std::size_t line_bytes = 8192;   // start line without CRLF -> 414
  std::size_t head_bytes = 16384;  // everything up to and with the empty line -> 431
  std::size_t fields = 100;        // -> 431
};

// The answer of every incremental parser here.
enum class Parse : std::uint8_t { kMore, kDone, kFailed };

}  // namespace roundhouse::http
