"""A bidirectional LSTM that trains faster on a CPU, with the weights and outputs of Keras's own layer.

Keras runs one loop per direction, multiplies the input by its kernel inside it, and lets TensorFlow
differentiate through the loop's arrays. Here the input product is one large matrix product before the loop,
one loop steps both directions, and the backward pass is written by hand.
"""

import keras
import tensorflow as tf


def _steps(array, shape):
    """Return `array` (time, …) as a TensorArray that a loop reads step by step."""
    return tf.TensorArray(
        array.dtype, tf.shape(array)[0], element_shape=shape, clear_after_read=False
    ).unstack(array)


@tf.custom_gradient
def _scan(inputs, recurrent):
    """Run two LSTMs side by side from a zero state.

    Args:
        inputs: (time, 2, batch, 4 * units), each direction's input already multiplied by its kernel.
        recurrent: (2, units, 4 * units), gates in Keras's order: input, forget, candidate, output.

    Returns:
        hidden states, (time, 2, batch, units).
    """
    units = recurrent.shape[1]
    time, batch = tf.shape(inputs)[0], tf.shape(inputs)[2]
    one, three, four = ([2, None, n * units] for n in (1, 3, 4))
    zero = tf.zeros([2, batch, units], inputs.dtype)

    def empty(shape):
        return tf.TensorArray(inputs.dtype, time, element_shape=shape)

    read = _steps(inputs, four)

    def forward(t, h, c, hidden, cells, gates):
        i, f, g, o = tf.split(read.read(t) + tf.matmul(h, recurrent), 4, axis=-1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * c + i * g
        h = o * tf.tanh(c)
        gates = gates.write(t, tf.concat([i, f, g, o], -1))
        return t + 1, h, c, hidden.write(t, h), cells.write(t, c), gates

    start = (0, zero, zero, empty(one), empty(one), empty(four))
    _, _, _, hidden, cells, gates = tf.while_loop(
        lambda t, *_: t < time, forward, start, parallel_iterations=1
    )
    hidden, cells, gates = hidden.stack(), cells.stack(), gates.stack()

    def gradient(d_hidden):
        i, f, g, o = tf.split(gates, 4, axis=-1)
        tanh_c = tf.tanh(cells)
        before_c = tf.concat([zero[None], cells[:-1]], 0)
        before_h = tf.concat([zero[None], hidden[:-1]], 0)
        # Every factor that does not depend on later steps is computed for all steps at once.
        to_cell = _steps(o * (1 - tanh_c * tanh_c), one)
        to_output = _steps(tanh_c * o * (1 - o), one)
        to_gates = _steps(tf.concat([g * i * (1 - i), before_c * f * (1 - f), i * (1 - g * g)], -1), three)
        keep = _steps(f, one)
        upstream = _steps(d_hidden, one)

        def backward(t, dh, dc, d_inputs):
            dh = dh + upstream.read(t)
            dc = dc + dh * to_cell.read(t)
            d = tf.concat([tf.tile(dc, [1, 1, 3]) * to_gates.read(t), dh * to_output.read(t)], -1)
            return t - 1, tf.matmul(d, recurrent, transpose_b=True), dc * keep.read(t), d_inputs.write(t, d)

        start = (time - 1, zero, zero, empty(four))
        d_inputs = tf.while_loop(lambda t, *_: t >= 0, backward, start, parallel_iterations=1)[-1].stack()

        def by_direction(x):
            return tf.reshape(tf.transpose(x, (1, 0, 2, 3)), [2, -1, x.shape[-1]])

        return d_inputs, tf.matmul(by_direction(before_h), by_direction(d_inputs), transpose_a=True)

    return hidden, gradient


@keras.saving.register_keras_serializable("asr_helpers")
class FastBidirectional(keras.layers.Bidirectional):
    """`keras.layers.Bidirectional(LSTM(units, return_sequences=True))`: same weights, config, outputs, gradients.

    The mask, where one is given, must be padding at the end: the backward direction starts at each utterance's
    own last frame, and outputs on padding are zero, as in Keras.
    """

    def call(self, sequences, initial_state=None, mask=None, training=None):
        if initial_state is not None:
            raise ValueError("FastBidirectional starts from a zero state")
        forward, backward = self.forward_layer.cell, self.backward_layer.cell
        x = tf.transpose(sequences, (1, 0, 2))  # time first: a step is then one contiguous block
        time, batch, units = tf.shape(x)[0], tf.shape(x)[1], forward.units
        lengths = tf.fill([batch], time) if mask is None else tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)

        def reverse(y):
            return tf.reverse_sequence(y, lengths, seq_axis=0, batch_axis=1)

        def both(name):
            return [tf.convert_to_tensor(getattr(cell, name)) for cell in (forward, backward)]

        kernel, bias = tf.concat(both("kernel"), 1), tf.concat(both("bias"), 0)
        product = tf.reshape(
            tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), kernel) + bias, [time, batch, 2, 4 * units]
        )
        inputs = tf.stack([product[:, :, 0], reverse(product[:, :, 1])], axis=1)
        hidden = _scan(inputs, tf.stack(both("recurrent_kernel")))
        outputs = tf.transpose(tf.concat([hidden[:, 0], reverse(hidden[:, 1])], -1), (1, 0, 2))
        outputs.set_shape([sequences.shape[0], sequences.shape[1], 2 * units])
        return outputs if mask is None else outputs * tf.cast(mask, outputs.dtype)[:, :, None]
