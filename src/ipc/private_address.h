// Where the private socket of a worker is, as edge and proxies work it out from the board.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "ipc/board.h"

namespace roundhouse::ipc {

// "FOLDER/POOL/ID.sock".
std::string private_path(const BoardHeader& header, std::string_view pool, std::uint32_t worker);

// The port in its row, if there is one, else that path. No address if the path is too long.
Address private_address(const BoardHeader& header, const WorkerRow& row, std::string_view pool,
                        std::uint32_t worker);

}  // namespace roundhouse::ipc
