import onnx_networks as networks

from autotl.graphs.cut_points import cut_points, data_flow, layouts, needing


def test_only_what_every_path_goes_through_is_a_cut_point():
    flow = data_flow(networks.resnet(), "input")
    cuts = cut_points(flow, "logits")
    assert {"stem", "layer1", "layer2", "pooled", "logits"} <= set(cuts)
    inside_a_block = [node.output[0] for node in flow.nodes if node.op_type == "BatchNormalization"]
    assert set(inside_a_block[1:]).isdisjoint(cuts)
    assert cuts == [name for name in flow.tensors if name in cuts]


def test_the_number_of_images_is_not_taken_for_their_content():
    flow = data_flow(networks.vit(), "pixel_values")
    assert "Shape" not in {node.op_type for node in flow.nodes}
    assert "embedded" in cut_points(flow, "pooler_output")


def test_a_classifier_on_the_side_is_no_path_to_the_end():
    flow = data_flow(networks.googlenet(), "input")
    assert "a2" in cut_points(flow, "logits")
    assert "aux" not in cut_points(flow, "logits")


def test_what_another_input_has_a_part_in_is_found():
    needs = needing(networks.two_towers(), ["input_ids"])
    assert {"text_embeds", "logits_per_image"} <= needs
    assert "image_embeds" not in needs


def test_channels_are_followed_through_turns():
    model = networks.channels_last()
    found = layouts(data_flow(model, "images_in"), channels_first=False)
    assert (found["images_in"], found["second"], found["turned"]) == ("last", "first", "last")
