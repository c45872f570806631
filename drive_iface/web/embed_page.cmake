# cmake -DOUTPUT=page_files.cpp -DFOLDER=page "-DFILES=index.html page.css" -P embed_page.cmake: the files of the page as a
# C++ source. index.html is at "/".

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

set(texts "")
set(rows "")
set(number 0)
separate_arguments(FILES)
foreach(file ${FILES})
  file(READ "${FOLDER}/${file}" bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(REPLACE "'\\x0a'," "'\\x0a',\n    " bytes "${bytes}")
  cmake_path(GET file EXTENSION LAST_ONLY ending)
  string(SUBSTRING "${ending}" 1 -1 ending)
  set(address "/${file}")
  if(file STREQUAL "index.html")
    set(address "/")
  endif()
  string(APPEND texts "constexpr char text_${number}[] = {${bytes}};\n")
  string(APPEND rows "        {\"${address}\", {\"${type_${ending}}\", {text_${number}, ${size}}}},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE "${OUTPUT}" "// Generated from the files of the page.
#include \"drive_iface/web/page_files.hpp\"

#include <map>

namespace drive_iface::web {

namespace {

${texts}
}  // namespace

std::optional<PageFile> page_file(std::string_view path) {
    static const std::map<std::string_view, PageFile> files{
${rows}    };
    const auto found = files.find(path);
    if (found == files.end()) return std::nullopt;
    return found->second;
}

}  // namespace drive_iface::web
")
