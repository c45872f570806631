#pragma once

#include <string>
#include <vector>

#include "drive_iface/virtual/cartridge.hpp"

// The blocks of each tape file, up to the double filemark or the end.
using TapeFile = std::vector<std::string>;
std::vector<TapeFile> tape_files(drive_iface::virtual_library::Cartridge& cartridge);
std::string joined(const TapeFile& file);
