# Makes one page of the files beside it, and a C++ source that holds it with its Content-Security-Policy: only the
# style and the script that are in the page, by their SHA-256.
# cmake -D DASHBOARD=(this folder) -D OUTPUT=page.cc -P embed.cmake

# A value of 32 bytes in hexadecimal, as base64.
function(base64_of_sha256 hex result)
  set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  set(text "")
  foreach(at RANGE 0 60 6)
    string(SUBSTRING "${hex}00" ${at} 6 group)
    math(EXPR bits "0x${group}")
    foreach(shift 18 12 6 0)
      math(EXPR digit "(${bits} >> ${shift}) & 63")
      string(SUBSTRING "${digits}" ${digit} 1 letter)
      string(APPEND text "${letter}")
    endforeach()
  endforeach()
  string(SUBSTRING "${text}" 0 43 text)
  set(${result} "${text}=" PARENT_SCOPE)
endfunction()

function(join_files result)
  set(text "")
  foreach(name ${ARGN})
    file(READ "${DASHBOARD}/${name}" content)
    string(APPEND text "${content}\n")
  endforeach()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

join_files(licence uplot/LICENSE)
join_files(style uplot/uPlot.min.css style.css)
join_files(script uplot/uPlot.iife.min.js format.js tables.js charts.js views.js dashboard.js)
set(script "/*! uPlot:\n${licence}*/\n${script}")
string(SHA256 style_hash "${style}")
string(SHA256 script_hash "${script}")
base64_of_sha256(${style_hash} style_hash)
base64_of_sha256(${script_hash} script_hash)

file(READ "${DASHBOARD}/page.html" page)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
string(CONCAT policy "default-src 'none'; script-src 'sha256-${script_hash}'; style-src 'sha256-${style_hash}'; "
       "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
file(WRITE "${OUTPUT}" "// Made by src/monitor/dashboard/embed.cmake.
#include \"monitor/dashboard_page.h\"

namespace roundhouse::monitor {

const std::string_view kDashboardPolicy = R\"_page_(${policy})_page_\";
const std::string_view kDashboardPage = R\"_page_(${page})_page_\";

}  // namespace roundhouse::monitor
")
