// What a profile file may say.

#include "agent/host/profile_file.hpp"

namespace agent::host {

namespace profile_shapes {

using runtime::boolean_shape;
using runtime::choice_shape;
using runtime::default_key;
using runtime::integer_shape;
using runtime::list_shape;
using runtime::map_shape;
using runtime::object_shape;
using runtime::optional_key;
using runtime::required_key;
using runtime::text_shape;
using runtime::ValueShape;

ValueShape patterns() {
    return list_shape(text_shape(1'024), 0, 32);
}

ValueShape statements() {
    return list_shape(text_shape(1'024), 0, 64);
}

ValueShape statuses() {
    return list_shape(integer_shape(0, 255), 1, 256);
}

ValueShape argv() {
    return list_shape(text_shape(4'096), 1, 64);
}

ValueShape input() {
    return list_shape(text_shape(4'096), 0, 64);
}

ValueShape drive() {
    return object_shape({
        required_key("description", text_shape(1'024),
                     "What {drive} is, the application's name of a drive.",
                     "\"Name of the Device resource\""),
        optional_key("matches", text_shape(1'024), "Form that the whole name has to have.",
                     "\"[A-Za-z0-9_-]+\""),
    });
}

ValueShape program() {
    return object_shape({
        required_key("description", text_shape(1'024), "What it is.", "\"Bacula's console\""),
        default_key("places", list_shape(text_shape(4'096), 0, 16), "[]",
                    "Full paths where it usually is; the first that there is is taken. "
                    "application.programs names another."),
    });
}

ValueShape parameter() {
    return object_shape({
        required_key("description", text_shape(1'024), "What it is, for the administrator.",
                     "\"Name of the Storage resource\""),
        optional_key("default", text_shape(), "Without a default it has to be given.", "\"0\""),
        default_key("of", choice_shape({"application", "drive"}), "\"application\"",
                    "drive: each drive has its own, in application.drive_parameters."),
        optional_key("matches", text_shape(1'024), "Form that the whole value has to have.",
                     "\"[0-9]+\""),
    });
}

ValueShape credential() {
    return object_shape({
        required_key("description", text_shape(1'024), "What it is, for the administrator.",
                     "\"Password of the administrator {user}\""),
        default_key("given_in", choice_shape({"input", "environment", "argv"}), "\"input\"",
                    "How the program gets it. argv, where others can read it, is refused unless "
                    "application.credentials_in_argv accepts that."),
    });
}

ValueShape answers() {
    return object_shape({
        default_key("failed", patterns(), "[]", "Lines that say that it did not work."),
        default_key("not_ours", patterns(), "[]",
                    "Lines that say that it is somebody else's business."),
        default_key("busy", patterns(), "[]",
                    "Lines that say that a job uses the drive: draining, told again later."),
        default_key("already", patterns(), "[]", "Lines that say that it was so before."),
        default_key("done", patterns(), "[]",
                    "Lines that say that it was done; with any of them nothing else is success."),
    });
}

ValueShape step() {
    return object_shape({
        required_key("argv", argv(), "Program by its name in `programs`, and its arguments.",
                     "[\"bconsole\"]"),
        default_key("input", input(), "[]", "Lines of its standard input."),
        default_key("accepted_exit_codes", statuses(), "[0]", "Other exit statuses are failures."),
        default_key("answers", answers(), "{}", "How its words are understood."),
    });
}

ValueShape records() {
    return object_shape({
        default_key("format", choice_shape({"text", "json"}), "\"text\"", "Of the answer."),
        optional_key("begin", text_shape(1'024),
                     "Pattern of the line with which a record of the drive begins; without it the "
                     "whole answer is one record.",
                     "\"^Device .*\\\"{drive}\\\"\""),
        optional_key("end", text_shape(1'024), "Pattern of the first line behind a record.",
                     "\"^==$\""),
        optional_key("list", text_shape(1'024),
                     "JSON pointer to the list of records; the answer itself when missing.",
                     "\"/drives\""),
        default_key("match", map_shape(text_shape(1'024), 16), "{}",
                    "Members that a record of the drive has."),
    });
}

ValueShape state_rule() {
    return object_shape({
        required_key("state", choice_shape({"online", "offline", "draining", "unknown"}),
                     "What the record says when the rule fits.", "\"offline\""),
        default_key("all", patterns(), "[]", "Each of these matches some line of the record."),
        default_key("none", patterns(), "[]", "None of these matches a line of the record."),
        default_key("by_somebody_else", boolean_shape(), "false",
                    "Of offline: marked by somebody else; never brought online by this agent."),
        default_key("say_again", boolean_shape(), "false",
                    "Of draining: offline has to be said again for it to go on."),
        optional_key("why", text_shape(1'024), "In words, for people.",
                     "\"the operator has unmounted it\""),
    });
}

ValueShape query() {
    return object_shape({
        required_key("argv", argv(), "Program by its name in `programs`, and its arguments.",
                     "[\"bconsole\"]"),
        default_key("input", input(), "[]", "Lines of its standard input."),
        default_key("accepted_exit_codes", statuses(), "[0]",
                    "With any other exit status the state is unknown."),
        default_key("failed", patterns(), "[]", "Lines that say that the query did not work."),
        default_key("find", map_shape(text_shape(1'024), 8), "{}",
                    "Further placeholders for the patterns, each found in the answer by a pattern "
                    "with one group."),
        default_key("records", records(), "{}", "Which part of the answer is about the drive."),
        required_key("states", list_shape(state_rule(), 2, 64),
                     "The first rule that fits a record decides.",
                     "[{\"state\": \"offline\", \"all\": [\"down\"]}, {\"state\": \"online\"}]"),
        default_key("in_use", patterns(), "[]", "Lines of the answer while a job uses the drive."),
    });
}

ValueShape drain() {
    return object_shape({
        default_key("poll_ms", integer_shape(500, 3'600'000), "2000",
                    "The application is not asked more often while a drive drains."),
        default_key("limit_ms", integer_shape(0, 604'800'000), "0",
                    "Draining longer than this is reported as trouble; 0: never."),
    });
}

}  // namespace profile_shapes

const runtime::ConfigurationSchema& profile_schema() {
    namespace shapes = profile_shapes;
    static const runtime::ConfigurationSchema schema{
        "profile", "How to operate a backup application.",
        runtime::object_shape({
            runtime::required_key("description", runtime::text_shape(2'048),
                                  "The application and its versions.", "\"Bacula 9.6\""),
            runtime::default_key("verified", shapes::statements(), "[]",
                                 "What is known for sure, and from where."),
            runtime::default_key("unverified", shapes::statements(), "[]",
                                 "What nobody has verified; any of these makes dsad warn."),
            runtime::required_key("drive", shapes::drive(), "The application's name of a drive.",
                                  "{\"description\": \"Name of the drive\"}"),
            runtime::required_key("programs", runtime::map_shape(shapes::program(), 16),
                                  "The programs to be called.",
                                  "{\"bconsole\": {\"description\": \"Bacula's console\"}}"),
            runtime::default_key("parameters", runtime::map_shape(shapes::parameter(), 32), "{}",
                                 "What the administrator fills in."),
            runtime::default_key("credentials", runtime::map_shape(shapes::credential(), 8), "{}",
                                 "Secrets; each stands in a file of its own, mode 0600."),
            runtime::default_key(
                "environment", runtime::map_shape(runtime::text_shape(4'096), 32), "{}",
                "Variables beside PATH, LC_ALL=C, LANG=C and HOME=/, or in their place."),
            runtime::default_key("timeout_ms", runtime::integer_shape(100, 600'000), "30000",
                                 "How long one program may take."),
            runtime::default_key("drain", shapes::drain(), "{}", "Waiting for a running job."),
            runtime::required_key("offline", runtime::list_shape(shapes::step(), 1, 8),
                                  "Steps that take a drive offline, in order.",
                                  "[{\"argv\": [\"x\"]}]"),
            runtime::required_key("online", runtime::list_shape(shapes::step(), 1, 8),
                                  "Steps that bring a drive online, in order.",
                                  "[{\"argv\": [\"x\"]}]"),
            runtime::required_key("query", shapes::query(), "Reading a drive's state.",
                                  "{\"argv\": [\"x\"]}"),
        })};
    return schema;
}

}  // namespace agent::host
