#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

std::string labelled(const std::string& label, const std::string& text, const Screen& screen) {
    if (text.empty()) return {};
    std::string lines = paragraph(printable(text), 14, screen);
    const std::string head = "  " + label;
    return head + lines.substr(std::min(head.size(), lines.size()));
}

std::string dry_run_of_drive(const json& drive, const Screen& screen) {
    const std::string state = text_at(drive, {"application_state"});
    const Tone tone = at(drive, {"ok"}) == true ? Tone::good : Tone::bad;
    return "\n" +
           painted("drive " + text_at(drive, {"serial"}) + ", in the application " +
                       text_at(drive, {"application_name"}) + ": " + state,
                   tone, screen) +
           "\n" + labelled("asked", text_at(drive, {"query"}), screen) +
           labelled("understood", text_at(drive, {"understood_from"}), screen) +
           labelled("offline", "would run " + text_at(drive, {"offline_would_run"}), screen) +
           labelled("online", "would run " + text_at(drive, {"online_would_run"}), screen);
}

std::string program_in_words(const json& program, const Screen& screen) {
    std::string text = text_at(program, {"path"});
    const std::string owner = text_at(program, {"owner"});
    if (!owner.empty()) text += ", of " + owner + ", mode " + text_at(program, {"mode"});
    const std::string trouble = text_at(program, {"trouble"});
    if (!trouble.empty()) text += ": " + trouble;
    return labelled(at(program, {"ok"}) == true ? "program" : "NO PROGRAM", text, screen);
}

}  // namespace

std::string application_check_view(const json& report, const Screen& screen) {
    if (!report.is_object() || !at(report, {"drives"}).is_array())
        return facts_view(report, screen);
    std::string text =
        painted("profile " + text_at(report, {"profile", "name"}), Tone::strong, screen) + "\n" +
        labelled("file", text_at(report, {"profile", "file"}), screen) +
        labelled("about", text_at(report, {"profile", "description"}), screen);
    for (const json* doubt : elements(at(report, {"profile", "unverified"})))
        text += labelled("unverified", doubt->is_string() ? doubt->get<std::string>() : "", screen);
    for (const json* program : elements(at(report, {"programs"})))
        text += program_in_words(*program, screen);
    text += labelled("mode",
                     at(report, {"observe_only"}) == true
                         ? "observe_only: nothing is ever run to change a drive"
                         : "operates drives",
                     screen);
    for (const json* drive : elements(at(report, {"drives"})))
        text += dry_run_of_drive(*drive, screen);
    return text;
}

std::string profiles_view(const json& profiles, const Screen& screen) {
    std::string text;
    for (const json* profile : elements(profiles)) {
        const bool sure = at(*profile, {"verified"}) == true;
        text += (text.empty() ? "" : "\n") +
                painted(text_at(*profile, {"name"}), Tone::strong, screen) +
                (sure ? "" : "  (not verified in every part)") + "\n" +
                labelled("file", text_at(*profile, {"file"}), screen) +
                labelled("about", text_at(*profile, {"description"}), screen) +
                labelled("MISTAKE", text_at(*profile, {"trouble"}), screen) +
                labelled("{drive}", text_at(*profile, {"drive"}), screen);
        for (const json* parameter : elements(at(*profile, {"parameters"}))) {
            std::string about = text_at(*parameter, {"name"});
            if (text_at(*parameter, {"of"}) == "drive") about += " (each drive)";
            const std::string usual = text_at(*parameter, {"default"});
            if (!usual.empty()) about += " = " + usual;
            text +=
                labelled("parameter", about + ": " + text_at(*parameter, {"description"}), screen);
        }
        for (const json* credential : elements(at(*profile, {"credentials"}))) {
            text += labelled(
                "credential",
                text_at(*credential, {"name"}) + ": " + text_at(*credential, {"description"}),
                screen);
        }
    }
    return text.empty() ? "none\n" : text;
}

}  // namespace agent::shell
